import type { Answer } from '../access/answer.js';
import { type Intent, type Remembered, replay } from '../access/idempotency.js';
import type { DirectoryItem } from '../channels/directory.js';
import { Problem } from '../problems/problem.js';
import { type Command, type Desk, Displaced, type DuePosition, type PositionNeed } from './command.js';
import { type PositionKey, placeName } from './ledger.js';
import { isOverdue, type Position } from './position.js';

/** A command in a mailbox, and who waits for it. Times in milliseconds of `performance.now()`. */
export interface Waiting {
  readonly command: Command;
  /** Of its intent (`intentName`), made once; null for a command without one. */
  readonly name: string | null;
  readonly mailbox: number;
  readonly weight: number;
  readonly since: number;
  readonly deadline: number;
  /** What the request is traced as (src/operations/spans.tracer.ts). */
  readonly origin: object | undefined;
  attempts: number;
  /** A COMMIT of it was sent and not answered: it may be done. */
  uncertain: boolean;
  readonly answer: (answer: Answer) => void;
  readonly refuse: (error: unknown) => void;
}

/** A command that has said what it needs. */
export interface Prepared {
  readonly waiting: Waiting;
  readonly items: readonly DirectoryItem[];
  readonly needs: readonly PositionNeed[];
  /** What the command threw instead of naming its needs. */
  readonly refusal?: unknown;
}

export interface Decided {
  readonly accepted: { waiting: Waiting; build: () => Answer }[];
  readonly replayed: { waiting: Waiting; answer: Answer }[];
  readonly refused: { waiting: Waiting; refusal: unknown }[];
  readonly displaced: Waiting[];
}

/** What the commands of a batch need of the database. */
export function together(commands: readonly Prepared[]) {
  const items = new Set<DirectoryItem>();
  const needs: PositionNeed[] = [];
  const intents: Intent[] = [];
  for (const { waiting, items: own, needs: theirs } of commands) {
    for (const item of own) items.add(item);
    for (const need of theirs) needs.push(need);
    if (waiting.command.intent) intents.push(waiting.command.intent);
  }
  return { items: [...items], needs, intents };
}

/** Of the locked positions those where holds have expired by `now`. */
export function dueAmong(locked: readonly Position[], commands: readonly Prepared[], now: number): DuePosition[] {
  const due = locked.filter((position) => isOverdue(position, now));
  if (due.length === 0) return [];
  const asking = commands.filter(({ waiting }) => !waiting.command.onlyLetsGo);
  const asked = new Set(asking.flatMap(({ needs }) => needs.map(placeName)));
  return due.map((position) => ({
    itemId: position.itemId,
    locationId: position.locationId,
    isAsked: asked.has(placeName(position)),
  }));
}

/** Each position once, whoever needs it. */
export function distinct(needs: readonly PositionNeed[]): PositionNeed[] {
  const byItem = new Map<number, Map<number, PositionNeed>>();
  for (const need of needs) {
    const ofItem = byItem.get(need.itemId) ?? new Map<number, PositionNeed>();
    byItem.set(need.itemId, ofItem.set(need.locationId, need));
  }
  return [...byItem.values()].flatMap((ofItem) => [...ofItem.values()]);
}

/** In order of arrival, in memory. Anything but a Problem is a fault of ours, and ends the batch. */
export function decideAll(
  commands: readonly Prepared[],
  desk: Desk,
  remembered: ReadonlyMap<string, Remembered>,
): Decided {
  const decided: Decided = { accepted: [], replayed: [], refused: [], displaced: [] };
  const earlier = new Set<string>();
  for (const { waiting, refusal } of commands) {
    const { name } = waiting;
    try {
      const first = name === null ? undefined : remembered.get(name);
      if (first) {
        decided.replayed.push({ waiting, answer: replay(waiting.command.intent as Intent, first) });
      } else if (refusal !== undefined) {
        decided.refused.push({ waiting, refusal });
      } else if (name !== null && earlier.has(name)) {
        decided.displaced.push(waiting); // its twin is in this very batch: the next one will find the answer
      } else {
        decided.accepted.push({ waiting, build: waiting.command.decide(desk) });
        if (name !== null) earlier.add(name);
      }
    } catch (error) {
      if (error instanceof Problem) decided.refused.push({ waiting, refusal: error });
      else if (error instanceof Displaced) decided.displaced.push(waiting);
      else throw error;
    }
  }
  return decided;
}

/** Of the positions that were made for the batch, those that only refused commands wanted. */
export function leftOver(
  made: readonly PositionKey[],
  commands: readonly Prepared[],
  { accepted }: Decided,
): PositionKey[] {
  const posted = new Set(accepted.map(({ waiting }) => waiting));
  const wanted = new Set(commands.flatMap(({ waiting, needs }) => (posted.has(waiting) ? needs.map(placeName) : [])));
  return made.filter((key) => !wanted.has(placeName(key)));
}
