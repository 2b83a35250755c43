import { Inject, Injectable, OnApplicationShutdown } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { isConflict, isOutage } from '../postgres/outage.js';
import { invalid, Problem } from '../problems/problem.js';
import { Mailbox } from '../stock/mailbox.js';
import type { Letter } from '../stock/queue.js';
import { conflicting, type NewEvent } from './inbox-event.js';
import { receivingMetrics } from './receiving.metrics.js';
import { type Known, ReceivingRepository } from './receiving.repository.js';

/** Requests and kilobytes that one statement takes in; an event counts at least one. */
const BATCH_REQUESTS = 512;
const BATCH_KILOBYTES = 8_192;
/** Kilobytes that may wait before senders are asked to come again. */
const MOST_WAITING_KILOBYTES = 64 * 1_024;
const TRIES = 4;
/** Faults that one answer names. */
export const MOST_FAULTS = 100;
/** How exactly it is kept when a source was last heard of, in milliseconds: every write makes its row a hot one. */
const TOUCH_EVERY_MS = 1_000;

/** What became of an event: `duplicate`: known before, under this id. */
export interface Accepted {
  readonly id: string;
  readonly eventId: string;
  readonly status: 'received' | 'duplicate' | 'rejected';
  readonly problem?: { readonly code: string; readonly detail: string };
}

interface Waiting extends Letter {
  readonly events: readonly NewEvent[];
  readonly answer: (accepted: Accepted[]) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Takes in events: requests wait for one another while a batch before them is made durable, and then share one
 * statement and one commit. No timer: a lone request does not wait for company.
 */
@Injectable()
export class Inbox implements OnApplicationShutdown {
  private readonly log: pino.Logger;
  /** One: with two, batches are half as large, and a fifth fewer events a second were taken in. */
  private readonly mailbox: Mailbox<Waiting>;
  private readonly listeners: ((sourceIds: readonly number[]) => void)[] = [];
  private readonly touchedAt = new Map<number, number>();
  private touching: Promise<void> = Promise.resolve();
  private waitingKilobytes = 0;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly repository: ReceivingRepository,
  ) {
    this.log = openLog(config, 'inbox');
    const limits = { letters: BATCH_REQUESTS, lines: BATCH_KILOBYTES, waiting: Number.POSITIVE_INFINITY };
    this.mailbox = new Mailbox(limits, (batch) => this.deliver(batch));
  }

  /** Told after events of these sources are durable, before their senders are. Must not throw. */
  onReceived(listener: (sourceIds: readonly number[]) => void): void {
    this.listeners.push(listener);
  }

  /**
   * One answer an event, in order, once all of them are durable. Throws `overloaded`, `unavailable`, and of a batch that is
   * applied whole `validation_failed`: nothing of it is kept where another body is known under the id of one.
   */
  accept(events: readonly NewEvent[]): Promise<Accepted[]> {
    const weight = events.reduce((sum, { payload }) => sum + 1 + (payload.length >> 10), 0);
    if (this.waitingKilobytes > 0 && this.waitingKilobytes + weight > MOST_WAITING_KILOBYTES) {
      throw new Problem('overloaded', 'Too many events are waiting. Nothing was taken in: send it again.', {
        retryAfter: 1,
      });
    }
    this.waitingKilobytes += weight;
    return new Promise<Accepted[]>((answer, refuse) => {
      this.mailbox.put({ events, weight, answer, refuse });
    });
  }

  /** Finishes what was taken. */
  async onApplicationShutdown(): Promise<void> {
    await this.mailbox.idle();
    await this.touching;
  }

  /** One batch, whatever happens: every request of it is answered or refused. Never throws. */
  private async deliver(batch: readonly Waiting[]): Promise<void> {
    const whole = batch.findIndex(isWhole);
    if (whole >= 0 && batch.length > 1) {
      for (const part of [batch.slice(0, whole), batch.slice(whole, whole + 1), batch.slice(whole + 1)]) {
        if (part.length > 0) await this.deliver(part);
      }
      return;
    }
    try {
      const events = batch.flatMap(({ events }) => events);
      const accepted = await (whole < 0 ? this.take(events) : this.takeWhole(events));
      this.announce(batch);
      // The next batch is sent first: the database works on it while the answers of this one are written.
      setImmediate(() => {
        let at = 0;
        for (const { events, weight, answer } of batch) {
          this.waitingKilobytes -= weight;
          answer(accepted.slice(at, at + events.length));
          at += events.length;
        }
      });
    } catch (error) {
      if (batch.length === 1 || !isRefusedData(error)) {
        for (const { weight, refuse } of batch) {
          this.waitingKilobytes -= weight;
          refuse(unavailable(error));
        }
        return;
      }
      // Something in it cannot be written although our rules let it pass. Its neighbours never fail with it.
      this.log.error({ err: error, requests: batch.length }, 'the database refuses events: split');
      const middle = Math.ceil(batch.length / 2);
      await this.deliver(batch.slice(0, middle));
      await this.deliver(batch.slice(middle));
    }
  }

  private async take(events: readonly NewEvent[]): Promise<Accepted[]> {
    if (events.length === 0) return [];
    const known = await this.keep(events);
    receivingMetrics.batch.observe(events.length);
    if (known.size === 0) return events.map(taken);
    const answers = await this.recognise(events.filter(({ id }) => known.has(id)));
    return events.map((event) => answers.get(event.id) ?? taken(event));
  }

  /** All of them or none, in a transaction of their own. */
  private takeWhole(events: readonly NewEvent[]): Promise<Accepted[]> {
    return this.patiently(() =>
      this.onItsDay(events, () =>
        this.repository.together(async (tx) => {
          const old = await this.repository.keep(events, tx);
          if (old.size === 0) return events.map(taken);
          const known = byBody(
            await this.repository.recognise(
              events.filter(({ id }) => old.has(id)),
              tx,
            ),
          );
          const conflicts = events.flatMap((event, i) => {
            if (!old.has(event.id) || known.get(bodyOf(event))?.isConflict === false) return [];
            const detail = `Another body came first under the id ${event.eventId}. Nothing of the request was kept.`;
            return [{ pointer: `/${i}`, code: 'conflicting_duplicate', detail }];
          });
          if (conflicts.length > 0) throw invalid(conflicts.slice(0, MOST_FAULTS));
          return events.map((event) => answerOf(event, known.get(bodyOf(event))));
        }),
      ),
    );
  }

  /** Answers by the ids that the events had when they came. */
  private async recognise(events: readonly NewEvent[]): Promise<Map<string, Accepted>> {
    const answers = new Map<string, Accepted>();
    let rest = events;
    // Twice where a twin is just being written, or its day dropped.
    for (let tries = 0; rest.length > 0; tries += 1) {
      if (tries === TRIES) throw new Error('An event is neither new nor known.');
      const asked = rest;
      const known = byBody(await this.patiently(() => this.repository.recognise(asked)));
      const others: NewEvent[] = [];
      for (const event of rest) {
        const same = known.get(bodyOf(event));
        if (same === undefined) others.push(event);
        else answers.set(event.id, answerOf(event, same));
      }
      const beside = others.map(conflicting);
      const beaten = beside.length === 0 ? new Set<string>() : await this.keep(beside);
      for (const event of beside) if (!beaten.has(event.id)) answers.set(event.id, taken(event));
      rest = others.filter(({ id }) => beaten.has(id));
    }
    return answers;
  }

  /** Ids of those that were known before. */
  private keep(events: readonly NewEvent[]): Promise<Set<string>> {
    return this.patiently(() => this.onItsDay(events, () => this.repository.keep(events)));
  }

  /** Makes the day of an event that finds none: whoever makes days ahead may not have run yet. */
  private async onItsDay<T>(events: readonly NewEvent[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!lacksDay(error)) throw error;
      for (const day of new Set(events.map(({ delivery }) => dayOf(delivery.receivedAt)))) {
        await this.repository.makeDay(day);
      }
      return work();
    }
  }

  /** The key makes a repetition harmless, also where the first attempt was written and its answer lost. */
  private async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries === TRIES || !(isConflict(error) || isOutage(error))) throw error;
        this.log.warn({ err: error }, 'events could not be written: tried again');
        await new Promise((resolve) => setTimeout(resolve, 25 * 2 ** tries));
      }
    }
  }

  private announce(batch: readonly Waiting[]): void {
    const heard = new Map<number, number>();
    for (const { events } of batch) {
      // What nobody can read is no sign of life (semantics.md 28).
      for (const { delivery, rejection } of events) if (!rejection) heard.set(delivery.sourceId, delivery.receivedAt);
    }
    const ids = [...heard.keys()];
    for (const listener of this.listeners) listener(ids);
    for (const [id, at] of heard) this.touch(id, at);
  }

  private touch(sourceId: number, at: number): void {
    if (at - (this.touchedAt.get(sourceId) ?? Number.NEGATIVE_INFINITY) < TOUCH_EVERY_MS) return;
    this.touchedAt.set(sourceId, at);
    this.touching = this.touching
      .then(() => this.repository.touch([sourceId], at))
      .catch((error) => this.log.warn({ err: error }, 'when a source was heard of stays unnoted for a second'));
  }
}

function taken({ id, eventId, rejection }: NewEvent): Accepted {
  return rejection ? { id, eventId, status: 'rejected', problem: rejection } : { id, eventId, status: 'received' };
}

function answerOf(event: NewEvent, known: Known | undefined): Accepted {
  // Its own id: a first attempt of this very request was written, and its answer lost.
  if (known === undefined || known.id === event.id) return taken(event);
  return { ...taken({ ...event, id: known.id }), ...(event.rejection ? {} : { status: 'duplicate' }) };
}

function isWhole({ events }: Waiting): boolean {
  return events[0] !== undefined && events[0].delivery.batch !== null;
}

function byBody(known: readonly Known[]): Map<string, Known> {
  return new Map(known.map((each) => [keyOf(each.sourceId, each.eventId, each.hash), each]));
}

function bodyOf({ delivery, eventId, hash }: NewEvent): string {
  return keyOf(delivery.sourceId, eventId, hash);
}

function keyOf(sourceId: number, eventId: string, hash: string): string {
  return `${sourceId} ${hash} ${eventId}`;
}

/** `2026-03-01`, in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** PostgreSQL says that a row fits no partition as a violated check without a name. */
function lacksDay(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23514' && constraint === undefined;
}

function isRefusedData(error: unknown): boolean {
  return /^2[23]/.test((error as { code?: string }).code ?? '');
}

function unavailable(error: unknown): unknown {
  if (!isConflict(error) && !isOutage(error)) return error;
  return new Problem('unavailable', 'The database does not answer. Send the same events again.', {
    retryAfter: 1,
    cause: error,
  });
}
