import { Inject, Injectable, OnApplicationShutdown } from '@nestjs/common';
import type pino from 'pino';
import { Answer } from '../access/answer.js';
import { type Intent, intentName } from '../access/idempotency.js';
import type { DirectoryItem } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { inSharedSpan, inStatementSpan, senderOrigin, traceOrigin } from '../operations/spans.tracer.js';
import { EngineClient } from '../postgres/connections.js';
import { isConflict, isOutage } from '../postgres/outage.js';
import { Pipeline } from '../postgres/pipeline.js';
import { databaseUrl } from '../postgres/postgres.module.js';
import { Problem } from '../problems/problem.js';
import { decideAll, distinct, dueAmong, leftOver, type Prepared, together, type Waiting } from './batch.js';
import type { Catalogue, Command, Desk, Participant, ParticipantSession } from './command.js';
import { engineMetrics } from './engine.metrics.js';
import { Ledger } from './ledger.js';
import { Mailboxes } from './mailboxes.js';
import type { Position } from './position.js';
import {
  createPositions,
  deletePositions,
  insertAuditEntries,
  lockPositions,
  readFacts,
  readIntents,
  shareItems,
  writeIntents,
  writeLedger,
} from './posting.repository.js';
import { settledBefore } from './settled-before.js';

/** A batch of 50 costs the database a seventh of 50 single transactions; past 128 the gain is gone and waits grow. */
const BATCH_COMMANDS = 128;
const BATCH_LINES = 512;
/**
 * Up to so many lines of all mailboxes go as one batch. At 2,500 reservations a second that took 1.10 cores instead of 1.35,
 * and half had their answer in 6.2 ms instead of 9.0; of 8 that wait at a time each cost PostgreSQL 296 µs instead of 428.
 */
const LITTLE_LINES = 32;
/** How often one command is tried when the catalogue moves, a twin is quicker or a connection breaks. */
const ATTEMPTS = 6;
/** A request whose twin is still running waits this long for its answer, in milliseconds, then is told so (409). */
const WAIT_FOR_TWIN_MS = 1_000;

/** How often a command is tried on new connections before its caller is told that the database does not answer. */
const RECONNECTIONS = 3;
/** Milliseconds between two looks for commands whose deadline passes while a batch before them hangs. */
const WATCH_MS = 100;

/** Told after a commit, with the positions as committed, before the callers get their answers. Must not throw. */
export type CommitListener = (positions: readonly Position[]) => Promise<void>;

/** The catalogue was older than the database: read it again, then try the batch again. */
class Outdated extends Error {
  constructor(readonly stale: { configuration: boolean; items: DirectoryItem[] }) {
    super('the catalogue has changed');
  }
}

/** Nobody stocks some item there yet: the batch is tried again, and makes the positions first, in lock order. */
class Unmade extends Error {}

/**
 * The only way stock changes (architecture.md, Writing). Commands wait in mailboxes, by item; a mailbox turns what waits
 * into one transaction on a connection of its own: lock in one order, decide in memory in order of arrival, write
 * set-based, commit once. Correctness comes from the row locks alone, so any number of processes may run one.
 */
@Injectable()
export class PostingEngine implements OnApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly mailboxes: Mailboxes<Waiting>;
  private readonly clients: (EngineClient | undefined)[];
  private readonly participants: Participant<ParticipantSession>[] = [];
  private readonly listeners: CommitListener[] = [];
  /**
   * By mailbox: positions are made before they are locked. Nearly always they are all there, and to look for them first
   * took the database half as long as to lock them; so only behind a batch that missed some, while there are more.
   */
  private readonly making: boolean[] = [];
  private readonly inFlight = new Map<string, Promise<unknown>>();
  private watching: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly directory: Directory,
  ) {
    this.log = openLog(config, 'engine');
    this.clients = Array.from({ length: config.engineMailboxes }, () => undefined);
    const limits = { letters: BATCH_COMMANDS, lines: BATCH_LINES, little: LITTLE_LINES, waiting: config.engineQueue };
    this.mailboxes = new Mailboxes(this.clients.length, limits, (index, batch) => this.deliver(index, batch));
  }

  /** Keeps `participant`'s rows in step with the ledger. Called at start-up, before the first command. */
  join(participant: Participant<ParticipantSession>): void {
    this.participants.push(participant);
  }

  onCommitted(listener: CommitListener): void {
    this.listeners.push(listener);
  }

  /**
   * Where commands about this item wait, by FNV-1a of its SKU: always the same, so that they share batches. Who posts many at
   * once keeps them apart as the mailboxes do.
   */
  mailboxOf(sku: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < sku.length; i += 1) hash = Math.imul(hash ^ sku.charCodeAt(i), 0x01000193);
    return (hash >>> 0) % this.clients.length;
  }

  /** Commands that wait, over all mailboxes. */
  get waiting(): number {
    return this.mailboxes.size;
  }

  /**
   * Decides the command and answers when it is committed. Throws the Problem that refuses it, `overloaded` when too
   * much waits, `idempotency_in_progress` when its twin does not finish in time.
   */
  async post(command: Command): Promise<Answer> {
    const { intent } = command;
    if (!intent) return this.enqueue(command, null);
    const name = intentName(intent);
    const until = Date.now() + WAIT_FOR_TWIN_MS;
    for (let twin = this.inFlight.get(name); twin; twin = this.inFlight.get(name)) {
      if (!(await settledBefore(twin, until))) {
        throw new Problem('idempotency_in_progress', 'The first request with this key is still running.', {
          retryAfter: 1,
        });
      }
    }
    const running = this.enqueue(command, name);
    this.inFlight.set(name, running);
    try {
      return await running;
    } finally {
      this.inFlight.delete(name);
    }
  }

  /** Finishes what was accepted. */
  async onApplicationShutdown(): Promise<void> {
    await this.mailboxes.idle();
    clearTimeout(this.watching);
    await Promise.all(this.clients.map((client) => client?.end()));
  }

  private enqueue(command: Command, name: string | null): Promise<Answer> {
    return new Promise((answer, refuse) => {
      const since = performance.now();
      const { weight } = command;
      const deadline = since + this.config.engineDeadlineMs;
      const origin = traceOrigin();
      const mailbox = this.mailboxOf(command.skus[0] ?? '');
      const fresh = { attempts: 0, uncertain: false };
      const waiting = { command, name, mailbox, weight, since, deadline, origin, answer, refuse, ...fresh };
      if (this.mailboxes.put(waiting)) this.watch();
      else giveUp(waiting);
    });
  }

  private again(letters: readonly Waiting[]): void {
    this.mailboxes.putBack(letters);
    this.watch();
  }

  /** Who waits behind a batch that hangs is told when the time is up, not when the batch is over; who waits beside it goes. */
  private watch(): void {
    this.watching ??= setTimeout(() => {
      this.watching = undefined;
      const now = performance.now();
      for (const late of this.mailboxes.remove((each) => isLate(each, now))) giveUp(late);
      this.mailboxes.hurry();
      if (this.waiting > 0) this.watch();
    }, WATCH_MS).unref();
  }

  /** One batch, whatever happens: every command of it is answered, refused, or back in the mailbox. Never throws. */
  private async deliver(index: number, batch: readonly Waiting[]): Promise<void> {
    const now = performance.now();
    const ready: Waiting[] = [];
    for (const waiting of batch) {
      engineMetrics.wait.observe((now - waiting.since) / 1_000);
      waiting.attempts += 1;
      if (isLate(waiting, now) || waiting.attempts > ATTEMPTS) giveUp(waiting);
      else ready.push(waiting);
    }
    if (ready.length === 0) return;
    try {
      const traced = { 'holdfast.batch.commands': ready.length, 'holdfast.batch.mailbox': index };
      const attempt = inSharedSpan(
        'post batch',
        () => originsOf(ready),
        traced,
        () => this.attempt(index, ready),
      );
      await attempt.catch((error) => this.recover(index, ready, error));
    } catch (fault) {
      refuseAll(ready, fault);
    }
  }

  private async recover(index: number, batch: readonly Waiting[], error: unknown): Promise<void> {
    if (error instanceof Outdated) {
      try {
        await this.directory.refresh(error.stale);
      } catch (failure) {
        return this.recover(index, batch, failure);
      }
    } else if (error instanceof Unmade) {
      this.making[index] = true;
      for (const waiting of batch) {
        this.making[waiting.mailbox] = true;
        waiting.attempts -= 1;
      }
    } else if (isConflict(error) || isTwin(error)) {
      this.log.debug({ err: error }, 'batch tried again');
    } else if (isOutage(error)) {
      // COMMIT may have been sent and its answer lost. The keys are in the same transaction as the effect,
      // so trying again either finds the answers or finds nothing done.
      this.log.warn({ err: error }, 'connection lost in a batch: tried again on a new one');
      this.disconnect(index);
      const tried = (waiting: Waiting) => waiting.attempts >= RECONNECTIONS;
      refuseAll(batch.filter(tried), unavailable(error));
      const again = batch.filter((waiting) => !tried(waiting));
      if (again.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** (again[0]?.attempts ?? 1)));
      this.again(again);
      return;
    } else if (batch.length > 1) {
      // Something in it cannot be written. Halves find it in log2(n) tries; its neighbours never fail with it.
      this.log.warn({ err: error, commands: batch.length }, 'batch failed: split');
      const middle = Math.ceil(batch.length / 2);
      for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
        for (const waiting of half) waiting.attempts -= 1;
        await this.deliver(index, half);
      }
      return;
    } else {
      return refuseAll(batch, error);
    }
    this.again(batch);
  }

  /** One transaction. Throws when it was not committed, or may not have been. */
  private async attempt(index: number, batch: readonly Waiting[]): Promise<void> {
    const { commands, revision } = await this.prepare(batch);
    const client = await this.client(index);
    const now = this.clock();
    const sessions = new Map(this.participants.map((participant) => [participant, participant.open()]));
    const participants = [...sessions.values()];
    const pipeline = new Pipeline(client, inStatementSpan);
    const { send } = pipeline;
    try {
      pipeline.begin();
      const { items, needs, intents } = together(commands);
      const created = this.making[index] ? needs.filter((need) => need.create) : [];
      const made = created.length > 0 ? createPositions(send, created, now) : Promise.resolve([]);
      const locksTaken = lockPositions(send, distinct(needs));
      const untracked = items.filter((item) => !item.tracked);
      if (untracked.length > 0) pipeline.track(shareItems(send, untracked));
      // Behind the locks: whoever deletes an item or changes its base unit holds them, and we then see that it is done.
      const factsRead = readFacts(send, items);
      const intentsRead = readIntents(send, intents);
      const names = commands.map(({ waiting }) => waiting.command);
      for (const session of participants) pipeline.track(session.load(send, names, now));
      const [stale, locked, remembered, empty] = await pipeline.all([factsRead, locksTaken, intentsRead, made]);
      const outdated = stale(revision);
      if (outdated) throw new Outdated(outdated);

      const ledger = new Ledger(now, locked);
      if (!this.making[index] && needs.some((need) => need.create && !ledger.position(need.itemId, need.locationId))) {
        throw new Unmade('positions are to be made');
      }
      this.making[index] = empty.length > 0;
      const desk: Desk = {
        ledger,
        now,
        session: <Session extends ParticipantSession>(of: Participant<Session>) => sessions.get(of) as Session,
      };
      const due = dueAmong(locked, commands, now);
      if (due.length > 0) for (const session of participants) await session.settle(send, desk, due);

      const decided = decideAll(commands, desk, remembered);

      const changed = ledger.changed();
      const told = ledger.told();
      const unused = empty.length > 0 ? leftOver(empty, commands, decided) : [];
      if (unused.length > 0) pipeline.track(deletePositions(send, unused));
      if (changed.length > 0) pipeline.track(writeLedger(send, ledger, told));
      const entries = decided.accepted.flatMap(({ waiting }) => waiting.command.audited?.() ?? []);
      if (entries.length > 0) pipeline.track(insertAuditEntries(send, entries));
      for (const session of participants) pipeline.track(session.write(send, desk));
      const finishing = participants.flatMap((session) => session.finish?.(send, desk) ?? []);
      if (finishing.length > 0) await pipeline.all(finishing);
      const answers = decided.accepted.map(({ waiting, build }) => ({ waiting, answer: written(build()) }));
      const fresh = answers.flatMap(({ waiting, answer }) => {
        const { name, command } = waiting;
        return name === null
          ? []
          : [{ name, intent: command.intent as Intent, status: answer.status, body: answer.text }];
      });
      // In one order, as the locks: two processes that answer the same keys queue at the first of them.
      fresh.sort((a, b) => (a.name < b.name ? -1 : 1));
      if (fresh.length > 0) pipeline.track(writeIntents(send, fresh, now));
      const committing = performance.now();
      await pipeline.commit();
      engineMetrics.commit.observe((performance.now() - committing) / 1_000);
      engineMetrics.batch.observe(batch.length);

      const positions = told.map(({ position }) => position);
      if (positions.length > 0) await Promise.all(this.listeners.map((listener) => listener(positions)));
      // The next batch is sent first: the answers of a hundred requests take 3 ms to write, in which the database works.
      setImmediate(() => {
        for (const { waiting, answer } of answers) waiting.answer(answer);
        for (const { waiting, answer } of decided.replayed) waiting.answer(answer);
        for (const { waiting, refusal } of decided.refused) {
          engineMetrics.refused.inc({ reason: refusal instanceof Problem ? refusal.code : 'internal_error' });
          waiting.refuse(refusal);
        }
      });
      if (decided.displaced.length > 0) this.again(decided.displaced);
    } catch (error) {
      if (pipeline.mayBeCommitted && isOutage(error)) for (const waiting of batch) waiting.uncertain = true;
      await pipeline.abandon();
      throw error;
    }
  }

  /**
   * Asks every command for its positions. A refusal counts only once the catalogue it was made by has proved current,
   * and the command has no answer from before.
   */
  private async prepare(batch: readonly Waiting[]): Promise<{ commands: Prepared[]; revision: number }> {
    await this.directory.load(batch.flatMap(({ command }) => command.skus));
    const configuration = await this.directory.configuration();
    const commands: Prepared[] = [];
    for (const waiting of batch) {
      const items: DirectoryItem[] = [];
      const catalogue: Catalogue = {
        configuration,
        item: (sku) => {
          const item = this.directory.item(sku);
          if (item) items.push(item);
          return item;
        },
      };
      try {
        commands.push({ waiting, items, needs: waiting.command.prepare(catalogue) });
      } catch (error) {
        commands.push({ waiting, items, needs: [], refusal: error });
      }
    }
    return { commands, revision: configuration.revision };
  }

  /** The mailbox's own connection, made again when it broke. */
  private async client(index: number): Promise<EngineClient> {
    const existing = this.clients[index];
    if (existing) return existing;
    // Nobody waits for a lock longer than for a mailbox: what is behind it has waited, too.
    const client = new EngineClient(databaseUrl(this.config), this.config.engineDeadlineMs);
    const forget = () => {
      if (this.clients[index] === client) this.clients[index] = undefined;
    };
    client.on('error', (error) => {
      this.log.warn({ err: error }, 'a connection of the engine broke');
      forget();
    });
    client.on('end', forget);
    await client.connect();
    this.clients[index] = client;
    return client;
  }

  private disconnect(index: number): void {
    const client = this.clients[index];
    this.clients[index] = undefined;
    client?.end().catch(() => {}); // it may be broken already
  }
}

/** What the commands of a batch are traced as where they came from. */
function originsOf(batch: readonly Waiting[]): (object | undefined)[] {
  const traceparents = new Set(batch.flatMap(({ command }) => command.traceparents?.() ?? []));
  return [...batch.map(({ origin }) => origin), ...[...traceparents].map(senderOrigin)];
}

/** Written as JSON once, for the row that remembers it and for the wire. */
function written({ status, body, headers }: Answer): Answer & { readonly text: string } {
  return new Answer(status, body, headers, JSON.stringify(body)) as Answer & { readonly text: string };
}

function refuseAll(batch: readonly Waiting[], error: unknown): void {
  for (const waiting of batch) waiting.refuse(error);
}

/** Another process has answered one of the keys since this batch looked for it. */
function isTwin(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' && constraint === 'idempotency_key_pkey';
}

function isLate(waiting: Waiting, now: number): boolean {
  return now > waiting.deadline;
}

/** Its time is up. Whoever may be done already must not hear that nothing was changed. */
function giveUp(waiting: Waiting): void {
  engineMetrics.refused.inc({ reason: waiting.uncertain ? 'unavailable' : 'overloaded' });
  waiting.refuse(waiting.uncertain ? unavailable() : overloaded());
}

function overloaded(): Problem {
  return new Problem('overloaded', 'Too many changes are waiting. Nothing was changed.', { retryAfter: 1 });
}

function unavailable(cause?: unknown): Problem {
  return new Problem('unavailable', 'The database does not answer. Repeat the request with the same key.', {
    retryAfter: 1,
    cause,
  });
}
