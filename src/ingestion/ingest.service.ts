import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Answer } from '../access/answer.js';
import { refusalOf } from '../access/rate-limit.js';
import { type Decision, RateLimiter } from '../access/rate-limiter.service.js';
import { rateLimited } from '../access/rate-limits.service.js';
import { CLOCK, type Clock } from '../config.module.js';
import { invalid, Problem } from '../problems/problem.js';
import { eventOf, eventsIn, loneEvent } from './arriving-event.js';
import { eventSlices, MOST_EVENTS } from './event-slices.js';
import { type Accepted, Inbox, MOST_FAULTS } from './inbox.service.js';
import type { Delivery, NewEvent } from './inbox-event.js';
import { decoded } from './inflate.js';
import type { IngestRequest } from './ingest.decorator.js';
import { TooManySlices } from './json-slices.js';
import { KnownProfiles } from './known-profiles.service.js';
import { type KnownSource, KnownSources } from './known-sources.service.js';
import { profileHeaders } from './profile-headers.js';
import type { Profile } from './profiles.js';
import { countReceived, receivingMetrics } from './receiving.metrics.js';
import { type Proof, prove } from './signature.js';
import { unknownSource } from './sources.service.js';

/** Bytes of a request, inflated. */
const MOST_BYTES = 5 * 1024 * 1024;

/** Takes in what sources send: proved, cut into events, and answered once it is durable. Nothing else is done to it. */
@Injectable()
export class IngestService {
  constructor(
    private readonly sources: KnownSources,
    private readonly profiles: KnownProfiles,
    private readonly inbox: Inbox,
    private readonly limiter: RateLimiter,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * 202 with an answer an event. Throws `not_found`, `signature_invalid`, `timestamp_out_of_tolerance`, `rate_limited`,
   * `payload_too_large`, `unsupported_media_type`, `validation_failed`, `overloaded`, `unavailable`: nothing of the
   * request is kept then.
   */
  async receive(code: string, request: IngestRequest): Promise<Answer<{ events: Accepted[] }>> {
    const source = this.sources.atHand(code) ?? (await this.sources.find(code));
    if (!source) throw unknownSource(code);
    try {
      const events = await this.admit(source, request);
      const accepted = await this.inbox.accept(events);
      count(source, accepted);
      return new Answer(202, { events: accepted });
    } catch (error) {
      const reason = error instanceof Problem ? error.code : 'internal_error';
      receivingMetrics.refused.inc({ source: source.code, reason });
      throw error;
    }
  }

  /** Waits only for what is not at hand. */
  private async admit(known: KnownSource, request: IngestRequest): Promise<NewEvent[]> {
    const { headers, requestId, traceparent, atomic } = request;
    const encoding = headers['content-encoding'];
    const body = encoding === undefined ? request.body : await decoded(request.body, encoding, MOST_BYTES);
    const receivedAt = this.clock();
    const bodies = body === request.body ? [body] : [request.body, body];
    let source = known;
    let proof: Proof;
    try {
      proof = prove(source, source.secrets, headers, bodies, receivedAt);
    } catch (error) {
      source = await this.asItIsNow(known, error);
      proof = prove(source, source.secrets, headers, bodies, receivedAt);
    }
    const delivery: Delivery = {
      sourceId: source.id,
      receivedAt,
      contentType: headers['content-type'] ?? '',
      headers: profileHeaders(headers, source.signature),
      proof,
      traceparent,
      requestId,
      // Of our own: a sender that uses its X-Request-Id again does not make one batch of two.
      batch: atomic ? randomUUID() : null,
      importId: null,
    };
    const profile = this.profiles.shipped.get(source.profile) ?? (await this.profiles.find(source.profile));
    const events = eventsOf(profile, body, delivery);
    if (atomic) requireAllSound(events);
    const charged = this.charge(source, events.length);
    if (charged !== undefined) await charged;
    return events;
  }

  /**
   * What does not fit the copy at hand may fit the source as it is now: its secret may just have been rotated. The source
   * that it was proved by is the one that all else goes by. Throws `error` where nothing is newer.
   */
  private async asItIsNow(source: KnownSource, error: unknown): Promise<KnownSource> {
    if (!(error instanceof Problem) || error.code !== 'signature_invalid') throw error;
    const current = await this.sources.readAgain(source);
    if (current === source) throw error;
    return current;
  }

  /** Behind the proof, so that nobody else uses up what a source may send. */
  private charge({ limits }: KnownSource, events: number): Promise<void> | undefined {
    if (limits === null) return undefined;
    const decision = this.limiter.take(limits, events);
    if (decision instanceof Promise) return decision.then((decided) => requireAdmitted(decided, events));
    requireAdmitted(decision, events);
    return undefined;
  }
}

function requireAdmitted({ taken, policies }: Decision, events: number): void {
  if (taken.admitted) return;
  const refusal = refusalOf(policies, taken, events);
  throw rateLimited(refusal, `Nothing of these ${events} events was kept.`);
}

/** One event a slice, also of what no profile can make anything of. Throws `payload_too_large`, `validation_failed`. */
export function eventsOf(profile: Profile | undefined, body: Buffer, delivery: Delivery): NewEvent[] {
  const lone = loneEvent(profile, body, delivery);
  if (lone !== undefined) return [lone];
  const slices = slicesOf(profile, body);
  if (slices.length === 0 && body.length === 0) {
    throw new Problem('validation_failed', 'The body is empty: send at least one event.');
  }
  return slices.map((slice, index) => eventOf(profile, slice, delivery, { index, of: slices.length }));
}

/** All or none: what cannot be an event takes the others with it before anything is kept. */
function requireAllSound(events: readonly NewEvent[]): void {
  const errors = events.flatMap(({ rejection }, i) =>
    rejection ? [{ pointer: `/${i}`, code: rejection.code, detail: rejection.detail }] : [],
  );
  if (errors.length > 0) throw invalid(errors.slice(0, MOST_FAULTS));
}

function slicesOf(profile: Profile | undefined, body: Buffer): Buffer[] {
  try {
    const events = eventSlices(body).flatMap((slice) => eventsIn(profile, slice));
    if (events.length > MOST_EVENTS) throw new TooManySlices();
    return events;
  } catch (error) {
    if (!(error instanceof TooManySlices)) throw error;
    const detail = `A request takes at most ${MOST_EVENTS.toLocaleString('en')} events. Nothing of it was kept: split it.`;
    throw new Problem('payload_too_large', detail);
  }
}

function count({ code }: KnownSource, accepted: readonly Accepted[]): void {
  for (const { status } of accepted) countReceived(code, status);
}
