import type { Answer } from '../access/answer.js';
import type { AuditEntry } from '../access/audit-entry.js';
import type { Intent } from '../access/idempotency.js';
import type { Configuration, DirectoryItem } from '../channels/directory.js';
import type { Ledger, PositionKey } from './ledger.js';

/** The catalogue as one attempt at a batch sees it. */
export interface Catalogue {
  readonly configuration: Configuration;
  /** undefined: no such item, or deleted since. */
  item(sku: string): DirectoryItem | undefined;
}

/** A position a command is about. `create`: make it (all figures 0) if nobody stocks the item there yet. */
export interface PositionNeed extends PositionKey {
  readonly create?: boolean;
}

/** A locked position where holds have expired. */
export interface DuePosition extends PositionKey {
  /** Some command of the batch needs it that may give out what they free, and not only ones that `onlyLetsGo`. */
  readonly isAsked: boolean;
}

/** What a decision may use: the locked positions, the moment, and the sessions of the participants. */
export interface Desk {
  readonly ledger: Ledger;
  readonly now: number;
  /** The rows a participant keeps in step with the ledger. */
  session<Session extends ParticipantSession>(participant: Participant<Session>): Session;
}

/**
 * One change of stock, decided while the rows it touches are locked. `decide` throws a Problem to refuse, and then
 * must not have posted anything: refusing writes nothing (semantics.md 31).
 */
export interface Command {
  /** What remembers the answer (semantics.md 30); null for work that may be repeated freely and answers nobody. */
  readonly intent: Intent | null;
  /** SKUs it concerns; commands whose first SKU is the same share a mailbox, and with it their batches. */
  readonly skus: readonly string[];
  /** Lines, for the size of a batch. */
  readonly weight: number;
  /** It lets holds go whose time has come, gives nothing out, and is decided by nothing else that stands at its positions. */
  readonly onlyLetsGo?: true;
  /** Called before every attempt, with a catalogue that is current: the positions to lock. May throw a Problem. */
  prepare(catalogue: Catalogue): readonly PositionNeed[];
  /** What an audited request has changed, once it is decided: written in the same transaction. */
  audited?(): AuditEntry | undefined;
  /** Of work that no request waits for: those of the requests that brought it. Asked only where spans are collected. */
  traceparents?(): readonly string[];
  /** Decides and posts. The answer is built after everything is written, before it is committed. */
  decide(desk: Desk): () => Answer;
}

/** Thrown by `decide` when the command turned out to need positions that are not locked: it goes into the next batch. */
export class Displaced extends Error {}

/** Sends a statement in the engine's transaction without waiting for the ones before it. */
export type Send = <Row = never>(
  statement: { name: string; text: string },
  values: readonly unknown[],
) => Promise<Row[]>;

/**
 * A feature above stock that keeps rows of its own in step with the ledger, in the engine's transaction.
 * The engine knows none of them by name.
 */
export interface Participant<Session extends ParticipantSession> {
  open(): Session;
}

export interface ParticipantSession {
  /** Sends, before it first awaits, what the commands need read and locked; runs behind the position locks. */
  load(send: Send, commands: readonly Command[], now: number): Promise<void>;
  /** Before the first decision, given the positions where holds have expired: may read, and post what is overdue. */
  settle(send: Send, desk: Desk, due: readonly DuePosition[]): Promise<void>;
  /** Sends what the decisions changed, before it first awaits. */
  write(send: Send, desk: Desk): Promise<void>;
  /** Reads what the answers need beyond what was decided. Undefined, the usual case, saves the round trip. */
  finish?(send: Send, desk: Desk): Promise<void> | undefined;
}
