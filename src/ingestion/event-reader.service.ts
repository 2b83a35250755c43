import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { WaitingEvent, WaitingRow, WorkingSource } from './backlog.repository.js';
import type { CanonicalEvent } from './canonical-event.js';
import { parseCanonical } from './canonical-reader.js';
import { canonicalJson } from './canonical-writer.js';
import type { CatalogEvent, CatalogTask } from './catalog-updates.service.js';
import { MappingFailed } from './event-fields.js';
import { factsOf, momentOf } from './fact.js';
import { payloadText } from './inbox-event.js';
import { MappingService, readCanonical } from './mapping.service.js';
import type { Profile } from './profiles.js';
import type { Task } from './task.js';
import type { Turn } from './window.js';

/** The profile whose payloads are canonical events themselves: nothing of them needs to be kept a second time. */
const CANONICAL = 'canonical';

/** Events that are read in one go: a millisecond or two, for which the engine waits with what it could send. */
const SLICE = 128;

/** An event that was read: what is to be applied of it, and the events it said. */
export interface ReadEvent extends Turn {
  readonly task: Task;
  readonly events: readonly CanonicalEvent[];
}

/** Turns what waits into what can be applied. */
@Injectable()
export class EventReader {
  constructor(private readonly mapping: MappingService) {}

  /** In their order. Never throws for what was sent: what cannot be mapped is a task that is refused. */
  async readAll(source: WorkingSource, waiting: readonly WaitingEvent[]): Promise<ReadEvent[]> {
    const read: ReadEvent[] = [];
    for (let from = 0; from < waiting.length; from += SLICE) {
      const profile = await this.mapping.profile(source.profile);
      const slice = waiting.slice(from, from + SLICE);
      read.push(...(await Promise.all(slice.map((event) => this.read(source, profile, event)))));
      await nextTurn();
    }
    return read;
  }

  private async read(source: WorkingSource, profile: Profile | undefined, waiting: WaitingEvent): Promise<ReadEvent> {
    const { receivedAt } = waiting;
    const arrival = { receivedAt, turn: waiting.turn };
    const inbox = { id: waiting.id, receivedAt, eventId: waiting.eventId, traceparent: waiting.traceparent };
    const isShown = source.profile === CANONICAL && waiting.corrected === null;
    const isMapped = profile !== undefined && !Array.isArray(waiting.canonical) && !(isShown && waiting.attempts === 0);
    const common = {
      source,
      inbox,
      turn: waiting.turn,
      attempts: waiting.attempts,
      profile: isMapped ? `${profile.name}/${profile.version}` : null,
      exceptionId: null,
      group: waiting.batch,
    };
    try {
      const events = this.mapHere(profile, waiting) ?? (await this.mapElsewhere(source, profile, waiting));
      const [only] = events;
      const all =
        events.length === 1 && only ? factsOf(only, arrival) : events.flatMap((each) => factsOf(each, arrival));
      const facts = waiting.progress === 0 ? all : all.slice(waiting.progress);
      const canonical = isShown ? null : JSON.stringify(events.map(canonicalJson));
      const task = { ...common, facts, done: waiting.progress, rows: facts.length, canonical, refusal: null };
      const [first] = events;
      const moment = all[0]?.moment ?? (first ? momentOf(first, arrival) : { at: receivedAt, sequence: null });
      return { task, events, turn: waiting.turn, moment, keys: [] };
    } catch (error) {
      if (!(error instanceof MappingFailed)) throw error;
      // It may be tried again because there is a new version, which another process has made.
      const current = waiting.attempts === 0 ? profile : await this.mapping.currentProfile(source.profile);
      if (current?.version !== profile?.version) return this.read(source, current, waiting);
      const refusal = { kind: 'mapping_failed', detail: error.detail };
      const task = { ...common, facts: [], done: 0, rows: 0, canonical: null, refusal };
      return { task, events: [], turn: waiting.turn, moment: { at: receivedAt, sequence: null }, keys: [] };
    }
  }

  /** A row that was not applied with its event. */
  readRow(source: WorkingSource, row: WaitingRow): ReadEvent {
    const receivedAt = row.receivedAt.getTime();
    const event = parseCanonical(row.fact);
    const arrival = { receivedAt, turn: row.turn };
    const facts = factsOf(event, arrival);
    const task: Task = {
      ...{
        source,
        turn: row.turn,
        attempts: 1,
        exceptionId: row.exceptionId,
        group: null,
        canonical: null,
        profile: null,
        refusal: null,
      },
      inbox: { id: row.inboxId, receivedAt, eventId: row.eventId },
      ...{ facts, done: 0, rows: facts.length },
    };
    return { task, events: [event], turn: row.turn, moment: momentOf(event, arrival), keys: [] };
  }

  /** What needs no other process, without waiting. */
  private mapHere(profile: Profile | undefined, waiting: WaitingEvent): readonly CanonicalEvent[] | undefined {
    if (Array.isArray(waiting.canonical)) return waiting.canonical.map(parseCanonical);
    return profile?.expression === null ? [readCanonical(textOf(waiting))] : undefined;
  }

  private mapElsewhere(source: WorkingSource, profile: Profile | undefined, waiting: WaitingEvent) {
    const at = new Date(waiting.receivedAt);
    return this.mapping.mapWith(profile ?? source.profile, textOf(waiting), waiting.headers ?? {}, at, source.code);
  }
}

function textOf({ payload, base64, corrected }: WaitingEvent): string {
  return corrected ?? payloadText(payload, base64);
}

/** What of an event changes the catalogue, if any of it does. */
export function catalogTaskOf({ task, events }: ReadEvent): CatalogTask | undefined {
  const updates = events.filter(isUpdate);
  return updates.length === 0 ? undefined : { ...task, updates, isAll: updates.length === events.length };
}

function isUpdate(event: CanonicalEvent): event is CatalogEvent {
  return event.type === 'item.updated.v1' || event.type === 'location.updated.v1';
}
