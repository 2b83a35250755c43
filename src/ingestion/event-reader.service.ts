import { Injectable } from '@nestjs/common';
import type { WaitingEvent, WaitingRow, WorkingSource } from './backlog.repository.js';
import type { CanonicalEvent } from './canonical-event.js';
import { parseCanonical } from './canonical-reader.js';
import { canonicalJson } from './canonical-writer.js';
import type { CatalogEvent, CatalogTask } from './catalog-updates.service.js';
import { MappingFailed } from './event-fields.js';
import { factsOf, momentOf } from './fact.js';
import { payloadText } from './inbox-event.js';
import { MappingService } from './mapping.service.js';
import type { Task } from './task.js';
import type { Turn } from './window.js';

/** The profile whose payloads are canonical events themselves: nothing of them needs to be kept a second time. */
const CANONICAL = 'canonical';

/** An event that was read: what is to be applied of it, and the events it said. */
export interface ReadEvent extends Turn {
  readonly task: Task;
  readonly events: readonly CanonicalEvent[];
  readonly waiting: WaitingEvent | null;
}

/** Turns what waits into what can be applied. */
@Injectable()
export class EventReader {
  constructor(private readonly mapping: MappingService) {}

  /** Never throws for what was sent: what cannot be mapped is a task that is refused. */
  async read(source: WorkingSource, waiting: WaitingEvent): Promise<ReadEvent> {
    const receivedAt = waiting.receivedAt.getTime();
    const arrival = { receivedAt, turn: waiting.turn };
    const inbox = { id: waiting.id, receivedAt, eventId: waiting.eventId };
    const common = {
      source,
      inbox,
      turn: waiting.turn,
      attempts: waiting.attempts,
      exceptionId: null,
      group: waiting.batch,
    };
    try {
      const events = await this.map(source, waiting);
      const all = events.flatMap((event) => factsOf(event, arrival));
      const facts = all.slice(waiting.progress);
      const isShown = source.profile === CANONICAL && !waiting.corrected;
      const canonical = isShown ? null : JSON.stringify(events.map(canonicalJson));
      const task = { ...common, facts, done: waiting.progress, rows: facts.length, canonical, refusal: null };
      const [first] = events;
      const moment = first ? momentOf(first, arrival) : { at: receivedAt, sequence: null };
      return { task, events, waiting, turn: waiting.turn, moment, keys: [] };
    } catch (error) {
      if (!(error instanceof MappingFailed)) throw error;
      const refusal = { kind: 'mapping_failed', detail: error.detail };
      const task = { ...common, facts: [], done: 0, rows: 0, canonical: null, refusal };
      return { task, events: [], waiting, turn: waiting.turn, moment: { at: receivedAt, sequence: null }, keys: [] };
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
        refusal: null,
      },
      inbox: { id: row.inboxId, receivedAt, eventId: row.eventId },
      ...{ facts, done: 0, rows: facts.length },
    };
    return { task, events: [event], waiting: null, turn: row.turn, moment: momentOf(event, arrival), keys: [] };
  }

  private async map(source: WorkingSource, waiting: WaitingEvent): Promise<readonly CanonicalEvent[]> {
    if (Array.isArray(waiting.canonical)) return waiting.canonical.map(parseCanonical);
    const text = payloadText(waiting.payload, waiting.base64);
    return this.mapping.map(source.profile, text, waiting.headers ?? {}, waiting.receivedAt, source.code);
  }
}

/** What of an event changes the catalogue, if any of it does. */
export function catalogTaskOf({ task, events }: ReadEvent): CatalogTask | undefined {
  const updates = events.filter(isUpdate);
  return updates.length === 0 ? undefined : { ...task, updates, isAll: updates.length === events.length };
}

function isUpdate(event: CanonicalEvent): event is CatalogEvent {
  return event.type === 'item.updated.v1' || event.type === 'location.updated.v1';
}
