import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { CanonicalEvent } from './canonical-event.js';
import { parseCanonical } from './canonical-reader.js';
import { MappingFailed, summaryOf } from './event-fields.js';
import { KnownProfiles } from './known-profiles.service.js';
import { parseJson } from './lossless.js';
import { type MappingRequest, timeBoxOf } from './mapping.js';
import type { MappingAnswer, MappingTurn } from './mapping.process.js';
import type { Headers, Profile } from './profiles.js';

/** Of the process that evaluates profiles; 5 MB of X12 need 360. */
const MEMORY_MB = 512;
/** How many payloads wait in the process at most; the others wait here, where they can be given to its successor. */
const MOST_UNDER_WAY = 32;
/** How often a payload is begun again whose process was ended by somebody else: the system, or whoever stops it. */
const MOST_INTERRUPTED = 2;

interface Waiting {
  readonly request: MappingRequest;
  readonly resolve: (events: string) => void;
  readonly reject: (error: Error) => void;
  /** How often the process ended under it, and not by its doing. */
  interrupted: number;
}

/**
 * Turns payloads into canonical events. Canonical ones are read here; all others in a process of its own, which is
 * started by the first of them, and replaced when a profile hangs or takes all its memory: then the one payload fails
 * and those behind it are begun again.
 */
@Injectable()
export class MappingService implements OnApplicationShutdown {
  private evaluator: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private turns = 0;
  private readonly underWay = new Map<number, Waiting>();
  private readonly queue: Waiting[] = [];
  private closed = false;

  constructor(private readonly profiles: KnownProfiles) {}

  /**
   * The events of a payload, in its order; none where it says nothing of stock. Those of a vendor that have no id of
   * their own are numbered from 1. Throws MappingFailed where the payload or the profile is at fault, anything else
   * where trying again may help.
   */
  async map(
    profileName: string,
    payload: string,
    headers: Headers,
    receivedAt: Date,
    source: string,
  ): Promise<CanonicalEvent[]> {
    const profile = await this.profiles.find(profileName);
    return this.mapWith(profile ?? profileName, payload, headers, receivedAt, source);
  }

  /** undefined: there is none of this name. */
  profile(name: string): Promise<Profile | undefined> {
    return this.profiles.find(name);
  }

  /** As it is now, where the copy at hand may be a version behind. */
  currentProfile(name: string): Promise<Profile | undefined> {
    this.profiles.forget(name);
    return this.profiles.find(name);
  }

  /** `profile`: a text is the name of one that there is not. */
  async mapWith(
    profile: Profile | string,
    payload: string,
    headers: Headers,
    receivedAt: Date,
    source: string,
  ): Promise<CanonicalEvent[]> {
    if (typeof profile === 'string') {
      throw new MappingFailed(`There is no profile ${profile}. Make it with PUT /v1/profiles/${profile}.`);
    }
    if (profile.expression === null) return [readCanonical(payload)];
    const { format, expression, constants } = profile;
    const events = await this.evaluate({
      ...{ format, expression, constants, payload, headers, source },
      receivedAt: receivedAt.toISOString(),
    });
    return (JSON.parse(events) as unknown[]).map((event, i, { length }) => readMapped(event, i, length));
  }

  onApplicationShutdown(): void {
    this.closed = true;
    this.stop();
    for (const { reject } of [...this.underWay.values(), ...this.queue]) reject(new Error('The service is stopping.'));
    this.underWay.clear();
    this.queue.length = 0;
  }

  private evaluate(request: MappingRequest): Promise<string> {
    if (this.closed) return Promise.reject(new Error('The service is stopping.'));
    return new Promise((resolve, reject) => {
      this.queue.push({ request, resolve, reject, interrupted: 0 });
      this.feed();
    });
  }

  private feed(): void {
    while (this.underWay.size < MOST_UNDER_WAY) {
      const next = this.queue.shift();
      if (next === undefined) break;
      this.evaluator ??= this.start();
      const turn = ++this.turns;
      this.underWay.set(turn, next);
      this.evaluator.send({ turn, request: next.request } satisfies MappingTurn, (error) => {
        // What could not be sent fails as what was under way: with the end of the process.
        if (error) this.evaluator?.kill('SIGKILL');
      });
    }
    this.watch();
  }

  private start(): ChildProcess {
    // From the sources, as in tests, this is TypeScript, and the process inherits what reads it.
    const file = fileURLToPath(new URL(`./mapping.process${extname(import.meta.url)}`, import.meta.url));
    const evaluator = fork(file, {
      execArgv: [...process.execArgv, `--max-old-space-size=${MEMORY_MB}`],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    evaluator.on('message', (answer: MappingAnswer) => this.take(answer));
    evaluator.once('error', () => this.replace(evaluator, false));
    // V8 aborts when its memory is used up.
    evaluator.once('exit', (code, signal) => this.replace(evaluator, signal === 'SIGABRT' || code === 134));
    // Neither it nor the channel to it keeps this process alive; whoever waits for an answer does.
    evaluator.unref();
    evaluator.channel?.unref();
    return evaluator;
  }

  private take(answer: MappingAnswer): void {
    const waiting = this.underWay.get(answer.turn);
    if (waiting === undefined) return;
    this.underWay.delete(answer.turn);
    if ('events' in answer) waiting.resolve(answer.events);
    else waiting.reject(new MappingFailed(answer.detail, answer.errors));
    this.stopWatching();
    this.feed();
  }

  /** Gives the payload that is being evaluated, the oldest, the time that its length deserves, and to start up. */
  private watch(): void {
    const [oldest] = this.underWay.values();
    if (oldest === undefined || this.timer !== undefined) return;
    const evaluator = this.evaluator;
    this.timer = setTimeout(
      () => evaluator && this.replace(evaluator, true),
      5_000 + 3 * timeBoxOf(oldest.request.payload),
    );
  }

  private stopWatching(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /**
   * The process has ended, or is to. If by what it was evaluating, that fails; the others go to the next one, and so does
   * what was only interrupted.
   */
  private replace(evaluator: ChildProcess, byPayload: boolean): void {
    if (this.evaluator !== evaluator) return;
    this.stop();
    const [culprit, ...others] = this.underWay.values();
    this.underWay.clear();
    this.queue.unshift(...others);
    if (culprit && !byPayload && culprit.interrupted < MOST_INTERRUPTED) {
      culprit.interrupted += 1;
      this.queue.unshift(culprit);
    } else {
      const detail = `The profile neither ended in time nor with less than ${MEMORY_MB} MB of memory, and was stopped.`;
      culprit?.reject(new MappingFailed(detail));
    }
    this.feed();
  }

  private stop(): void {
    this.stopWatching();
    const evaluator = this.evaluator;
    this.evaluator = undefined;
    evaluator?.removeAllListeners();
    // A process that could not even be started says so once more when it is killed.
    evaluator?.on('error', () => {});
    evaluator?.kill('SIGKILL');
  }
}

/** A payload that is a canonical event itself. Throws MappingFailed. */
export function readCanonical(payload: string): CanonicalEvent {
  let json: unknown;
  try {
    json = parseJson(payload);
  } catch (error) {
    throw new MappingFailed(`The payload is not JSON: ${(error as Error).message}.`, [], error);
  }
  return parseCanonical(json);
}

/** What a profile made is held to the same rules as what was canonical from the start. */
function readMapped(event: unknown, index: number, of: number): CanonicalEvent {
  try {
    const whole = typeof event === 'object' && event !== null ? { id: String(index + 1), ...event } : event;
    return parseCanonical(whole);
  } catch (error) {
    if (!(error instanceof MappingFailed) || of === 1) throw error;
    const errors = error.errors.map((fault) => ({ ...fault, pointer: `/${index}${fault.pointer}` }));
    throw new MappingFailed(summaryOf(errors), errors, error);
  }
}
