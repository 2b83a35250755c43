import { MappingFailed } from './event-fields.js';
import { evaluate, type MappingRequest } from './mapping.js';

/** What the service sends: one request, under a number of its own. */
export interface MappingTurn {
  readonly turn: number;
  readonly request: MappingRequest;
}

/** What it gets back: the events as JSON text, or why there are none. */
export type MappingAnswer = { readonly turn: number } & (
  | { readonly events: string }
  | { readonly detail: string; readonly errors: MappingFailed['errors'] }
);

// The process in which profiles are evaluated, one payload after the other. An expression can be stopped from outside
// only by ending its process: a regular expression that backtracks does not look at any clock, and 500 MB of text end a
// thread together with the whole service (measured with worker_threads and resourceLimits, Node 20.20).
let before: Promise<void> = Promise.resolve();

process.on('message', (message: MappingTurn) => {
  before = before.then(() => answer(message));
});
// Without the service there is nobody to work for.
process.on('disconnect', () => process.exit());

async function answer({ turn, request }: MappingTurn): Promise<void> {
  process.send?.(await answerTo(turn, request));
}

async function answerTo(turn: number, request: MappingRequest): Promise<MappingAnswer> {
  try {
    return { turn, events: await evaluate(request) };
  } catch (error) {
    if (error instanceof MappingFailed) return { turn, detail: error.detail, errors: error.errors };
    return { turn, detail: `The profile failed: ${(error as Error)?.message ?? error}`, errors: [] };
  }
}
