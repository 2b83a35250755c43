import jsonata from 'jsonata';
import { type Interchange } from './edi.js';
import { readEdifact } from './edi-edifact.js';
import { readX12 } from './edi-x12.js';
import { MappingFailed } from './event-fields.js';
import { parseJson } from './lossless.js';
import { mappingFunctions, ProfileFault } from './mapping-functions.js';
import type { Constants, Headers, ProfileFormat } from './profiles.js';

/** One payload, and all that its mapping may depend on: the same in, the same out. */
export interface MappingRequest {
  readonly format: ProfileFormat;
  readonly expression: string;
  readonly constants: Constants;
  readonly payload: string;
  readonly headers: Headers;
  /** RFC 3339. */
  readonly receivedAt: string;
  /** Its code. */
  readonly source: string;
}

/** Calls in calls: more of them are a recursion that does not end. */
const DEEPEST = 500;
const MOST_EVENTS = 10_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;

/**
 * How long an expression may take, in milliseconds. A stock level takes 0.2, an 846 of 50,000 lines and 1.4 MB 3,800 on two
 * cores: a profile that needs more than twice that for its bytes does not end.
 */
export function timeBoxOf(payload: string): number {
  return 1_000 + Math.ceil(payload.length / 200);
}

/**
 * Runs an expression over a payload. The events that it makes, as JSON text of a list, not yet looked at. Throws
 * MappingFailed for a payload that cannot be read, an expression that fails, and one past its bounds of time, depth or
 * output; what no bound within the process stops is for who runs it in a process of its own.
 */
export async function evaluate(request: MappingRequest): Promise<string> {
  const { constants, headers, receivedAt, source, payload } = request;
  const input = read(request);
  const { expression, options } = compiled(request.expression);
  options.timeout = timeBoxOf(payload);
  let result: unknown;
  try {
    const bindings = { ...mappingFunctions(constants, source), constants, headers, receivedAt, source };
    result = await expression.evaluate(input, bindings);
  } catch (error) {
    throw failureOf(error);
  }
  const events = result === undefined || result === null ? [] : Array.isArray(result) ? result : [result];
  if (events.length > MOST_EVENTS) {
    throw new MappingFailed(`The profile made ${events.length} events of one payload; ${MOST_EVENTS} are the most.`);
  }
  const text = JSON.stringify(events);
  if (text.length > MOST_CHARACTERS) throw new MappingFailed('The profile made more than 32 MiB of one payload.');
  return text;
}

/** Throws MappingFailed, with what is wrong and where, unless the text is JSONata. */
export function requireExpression(text: string): void {
  try {
    jsonata(text);
  } catch (error) {
    throw failureOf(error);
  }
}

function read({ format, payload, constants }: MappingRequest): unknown {
  const text = payload.replace(/^\uFEFF/, '');
  if (format === 'json') {
    try {
      return parseJson(text);
    } catch (error) {
      throw new MappingFailed(`The payload is not JSON: ${(error as Error).message}.`, [], error);
    }
  }
  const interchange: Interchange = (format === 'x12' ? readX12 : readEdifact)(text.trimStart());
  if (interchange.test && constants.acceptTests !== true) {
    throw new MappingFailed(
      'The interchange is marked as a test, so nothing of it is booked. To book it nevertheless, set constants.acceptTests.',
    );
  }
  return interchange;
}

interface Compiled {
  readonly expression: jsonata.Expression;
  /** JSONata looks at them while it evaluates, so the time can be set for each payload. */
  readonly options: { timeout: number; stack: number };
}

/** By their text: to compile takes longer than to run. Old ones go when there are many. */
const cache = new Map<string, Compiled>();

function compiled(text: string): Compiled {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const options = { timeout: 1_000, stack: DEEPEST };
  let expression: jsonata.Expression;
  try {
    expression = jsonata(text, options);
  } catch (error) {
    throw failureOf(error);
  }
  if (cache.size >= 100) cache.clear();
  cache.set(text, { expression, options });
  return { expression, options };
}

/** What JSONata throws are plain objects with a code, a message and the character they are about. */
function failureOf(error: unknown): MappingFailed {
  if (error instanceof MappingFailed) return error;
  if (error instanceof ProfileFault) return new MappingFailed(error.message, [], error);
  const { code, message, position } = error as Partial<jsonata.JsonataError>;
  // $error and $assert: the words are the profile's own.
  if (code === 'D3137' || code === 'D3141') return new MappingFailed(String(message), [], error);
  const where = typeof position === 'number' ? ` (at character ${position} of the profile)` : '';
  return new MappingFailed(`The profile failed: ${message ?? 'it could not be evaluated'}${where}`, [], error);
}
