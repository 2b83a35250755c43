import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { ChainableCommander, Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { Counter, register } from 'prom-client';
import type { CatalogChange } from '../catalog/catalog.changes.js';
import { REDIS } from '../redis/redis.connection.js';
import { RedisLink } from '../redis/redis.link.js';
import { Mailbox } from '../stock/mailbox.js';
import { isOverdue, type Position } from '../stock/position.js';
import type { Letter } from '../stock/queue.js';
import { AvailabilityRepository, type DatabaseState, type ItemStock, type Notice } from './availability.repository.js';
import { fieldsOf, parseEntry, parsePosition, wholeNumber } from './entry.js';
import type { Heard } from './stock.copy.js';

/** Milliseconds after which an entry must be read anew: the last net under lost publications, which do not prolong it. */
export const ENTRY_TTL_MS = 60_000;
/** Milliseconds the revision of channels and locations is believed: a change of them shows everywhere within it. */
const CONFIGURATION_TTL_MS = 250;

/**
 * A hash an item (entry.ts): field `r` the revision of the item, one field a location `<version>:<figures>`. Writer, reader and
 * relay merge through the same script, which keeps the newest version of each: in any order, however late or often
 * they come, the entry converges. At equal versions the later one wins: it has looked at expired holds again.
 * An entry counts only once it has field `r`, which only a reading of all locations sets; until then the fields of
 * publications wait in it, so that a slow reading cannot bring back what a commit has overtaken. Field `n`: a newer
 * revision of the item that was announced. What is no number is not ours, and gives way.
 * In the same breath it is told to all processes: who reads the entry before that hears of it after.
 */
const MERGE = `
local key = KEYS[1]
local kind = redis.call('TYPE', key)['ok']
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end
local function number(value) return value and tonumber(string.match(value, '^%d+')) or -1 end
for i = 6, #ARGV, 2 do
  if number(redis.call('HGET', key, ARGV[i])) <= number(ARGV[i + 1]) then
    redis.call('HSET', key, ARGV[i], ARGV[i + 1])
  end
end
if ARGV[4] ~= '' and number(redis.call('HGET', key, ARGV[4])) < number(ARGV[5]) then
  redis.call('HSET', key, ARGV[4], ARGV[5])
end
if ARGV[4] == 'r' or redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[1]) end
redis.call('PUBLISH', ARGV[2], table.concat(ARGV, '\\n', 3))
return 1`;

/**
 * The entries of items, each as its fields and values in lines; none, or what is not ours, is empty. One command for all
 * items of a turn, and one text an item: a command an item, which came as a list, took the process 3 µs each.
 */
const READ = `
local entries = {}
for i, key in ipairs(KEYS) do
  local entry = redis.pcall('HGETALL', key)
  entries[i] = entry.err and '' or table.concat(entry, '\\n')
end
return entries`;

/** Items of one script, which Redis does nothing beside: 0.3 ms. */
const MOST_READ = 100;

/** Entries whose meaning is kept. */
const MOST_UNDERSTOOD = 10_000;

/** What one process says to all: of an item's stock, of items it has written, or of the channels and locations. */
export interface News {
  readonly process: string;
  /** Counts what this process says. */
  readonly count: number;
  /** Their revision; undefined where it is not known or the news is of an item. */
  readonly configuration?: number;
  readonly stock?: Heard;
  readonly skus?: readonly string[];
}

/** What Redis has. */
export interface CacheRead {
  /** The revision of channels and locations; undefined: not known. */
  readonly configuration: number | undefined;
  readonly items: ReadonlyMap<number, ItemStock>;
}

const NOTHING: Promise<CacheRead> = Promise.resolve({ configuration: undefined, items: new Map() });

/** What Redis is about to be asked. */
interface Question {
  readonly itemIds: Set<number>;
  /** Milliseconds since 1970. */
  now: number;
  readonly answer: Promise<CacheRead>;
}

/** Who waits for the revision of channels and locations. */
interface Look extends Letter {
  readonly answer: (revision: number) => void;
  readonly refuse: (error: unknown) => void;
}

/** All who ask share one reading. */
const LOOKS = { letters: Infinity, lines: Infinity, waiting: Infinity };

type WithMerge = Redis & { mergeStock(key: string, ...args: (string | number)[]): Promise<number> };
type WithRead = ChainableCommander & { readStock(count: number, ...keys: string[]): WithRead };

let copyReads = 0;
const cacheReads =
  (register.getSingleMetric('holdfast_cache_reads_total') as Counter<'outcome'> | undefined) ??
  new Counter({
    name: 'holdfast_cache_reads_total',
    help: 'Items looked for, by outcome: copy of the process; in Redis hit, miss, or error where it did not answer.',
    labelNames: ['outcome'],
    collect() {
      if (copyReads > 0) this.inc({ outcome: 'copy' }, copyReads);
      copyReads = 0;
    },
  });

/** Counts items that the copy in the process had. Told when somebody asks: the counter takes as long as the copy. */
export function countCopyReads(items: number): void {
  copyReads += items;
}

/** Stock of items in Redis. Without Redis everything here is a miss, and every answer still right. */
@Injectable()
export class StockCache {
  private readonly redis: WithMerge | null;
  private epoch: string | undefined;
  private readonly failoverListeners: (() => void)[] = [];
  private readonly process = randomUUID();
  private said = 0;
  /** How often Redis had been lost when all notices had last been seen to. */
  private seenTo: number | undefined;
  private readonly trustListeners: (() => void)[] = [];
  private question: Question | undefined;
  /** By item, with the text of the entry it stands for: never what is so, only what it means. At 2 KB each, 20 MB at most. */
  private readonly understood = new LRUCache<number, { readonly text: string; readonly stock: ItemStock }>({
    max: MOST_UNDERSTOOD,
  });
  private readonly looks = new Mailbox<Look>(LOOKS, (batch) => this.lookAtConfiguration(batch));

  constructor(
    @Inject(REDIS) redis: Redis | null,
    private readonly link: RedisLink,
    private readonly repository: AvailabilityRepository,
  ) {
    redis?.defineCommand('mergeStock', { numberOfKeys: 1, lua: MERGE });
    redis?.defineCommand('readStock', { lua: READ });
    this.redis = redis as WithMerge | null;
  }

  /** Whether there is a Redis to look in. */
  get present(): boolean {
    return this.link.up;
  }

  /** How often Redis was lost. While it was, nobody could tell it anything. */
  get losses(): number {
    return this.link.losses;
  }

  /**
   * Whether what Redis has, and what was heard of it, is believed. It is written to as soon as it is back, and believed once all
   * notices have been seen to: 60,000 of them take seconds, in which it would answer as it was before.
   */
  get trusted(): boolean {
    return this.seenTo === this.link.losses;
  }

  /** All notices there are have been seen to, as of the time when Redis had been lost so often. */
  trust(losses: number): void {
    if (this.seenTo === losses) return;
    this.seenTo = losses;
    for (const listener of this.trustListeners) listener();
  }

  /** Redis does not take what it is told: its memory is full, or it may not write. */
  distrust(): void {
    this.seenTo = undefined;
  }

  /** `listener` is told that it is believed again, and that nothing of before is. */
  onTrust(listener: () => void): void {
    this.trustListeners.push(listener);
  }

  /**
   * The items that are there whole and whose holds have not expired since, and maybe others. Questions of one turn of the
   * event loop go to Redis together, and ask for an item once. Without Redis, or one to trust: nothing is there.
   */
  read(itemIds: readonly number[], now: number): Promise<CacheRead> {
    if (!this.redis || !this.present || !this.trusted) return NOTHING;
    this.question ??= this.ask(this.redis);
    const { question } = this;
    for (const id of itemIds) question.itemIds.add(id);
    question.now = Math.max(question.now, now);
    return question.answer;
  }

  private ask(redis: Redis): Question {
    const question: Question = {
      itemIds: new Set(),
      now: Number.NEGATIVE_INFINITY,
      answer: turn().then(() => {
        this.question = undefined;
        return this.readTogether(redis, [...question.itemIds], question.now);
      }),
    };
    return question;
  }

  private async readTogether(redis: Redis, itemIds: readonly number[], now: number): Promise<CacheRead> {
    try {
      const prefix = this.prefixOf(await this.epochNow());
      const pipeline = redis.pipeline().get(`${prefix}configuration`) as WithRead;
      for (let from = 0; from < itemIds.length; from += MOST_READ) {
        const keys = itemIds.slice(from, from + MOST_READ).map((id) => `${prefix}stock:${id}`);
        pipeline.readStock(keys.length, ...keys);
      }
      const replies = ((await pipeline.exec()) ?? []).map(([failure, reply]) => {
        if (failure) throw failure;
        return reply;
      });
      const [configuration, ...entries] = replies as [string | null, ...string[][]];
      const items = new Map<number, ItemStock>();
      for (const [index, entry] of entries.flat().entries()) {
        const stock = this.understand(itemIds[index] as number, entry, now);
        if (stock) items.set(stock.itemId, stock);
      }
      cacheReads.inc({ outcome: 'hit' }, items.size);
      cacheReads.inc({ outcome: 'miss' }, itemIds.length - items.size);
      return { configuration: wholeNumber(configuration), items };
    } catch (error) {
      this.link.failed(error);
      cacheReads.inc({ outcome: 'error' }, itemIds.length);
      return NOTHING;
    }
  }

  /** What an entry says. One that is as it was when it was last read is not read, nor answered, anew: half of a read's own time. */
  private understand(itemId: number, text: string, now: number): ItemStock | undefined {
    const known = this.understood.get(itemId);
    if (known?.text === text) return isLive(known.stock, now) ? known.stock : undefined;
    const entry = parseEntry(itemId, text);
    if (!entry) return undefined;
    const stock = { itemId, ...entry, overdue: false, answers: new Map() };
    this.understood.set(itemId, { text, stock });
    return isLive(stock, now) ? stock : undefined;
  }

  /**
   * The revision of channels and locations as the database has it, kept in Redis for the next. Who asks while it is read waits,
   * and then shares a reading: never one that began before the question.
   */
  configuration(): Promise<number> {
    return new Promise((answer, refuse) => {
      this.looks.put({ weight: 1, answer, refuse });
    });
  }

  private async lookAtConfiguration(batch: readonly Look[]): Promise<void> {
    try {
      const { losses } = this;
      const state = await this.repository.state();
      await this.fill(state, [], losses);
      for (const { answer } of batch) answer(state.configuration);
    } catch (error) {
      for (const { refuse } of batch) refuse(error);
    }
  }

  /**
   * Keeps what was read from the database in this state. `losses`: how often Redis had been lost when the reading began; what it
   * was told since it may have lost with itself. False: it could not. Without Redis: does nothing.
   */
  async fill(state: DatabaseState, items: Iterable<ItemStock>, losses: number): Promise<boolean> {
    this.follow(state);
    if (losses !== this.losses) return false;
    return this.write(async (redis, epoch) => {
      const merges = [...items].map(({ itemId, revision, positions, overdue }) =>
        this.merge(redis, epoch, itemId, 'r', revision, fieldsOf(positions, overdue)),
      );
      await Promise.all([this.setConfiguration(redis, state), ...merges]);
    });
  }

  /** Tells the other processes what was just committed. Without Redis: they read the database anyway. */
  async publish(positions: readonly Position[]): Promise<void> {
    await this.write(async (redis, epoch) => {
      const byItem = new Map<number, Position[]>();
      for (const position of positions) byItem.set(position.itemId, [...(byItem.get(position.itemId) ?? []), position]);
      await Promise.all(
        [...byItem].map(([itemId, ofItem]) => this.merge(redis, epoch, itemId, '', 0, fieldsOf(ofItem))),
      );
    });
  }

  /** Tells the other processes that their copy of the catalogue is behind. Without Redis: they compare with the database. */
  async announce({ skus = [], configuration }: CatalogChange): Promise<void> {
    await this.write(async (redis) => {
      if (configuration) {
        const state = await this.repository.state();
        this.follow(state);
        await this.setConfiguration(redis, state);
        await this.tellConfiguration(redis, state.configuration);
      }
      if (skus.length === 0) return;
      await this.tellRevisions(await this.repository.itemRevisions(skus));
      await redis.publish(await this.channel(), [this.sign(), 'items', ...skus].join('\n'));
    });
  }

  /** Tells that these items have other units, rules or names. False: Redis did not take it. */
  async tellRevisions(items: readonly { readonly itemId: number; readonly revision: number }[]): Promise<boolean> {
    return this.write((redis, epoch) =>
      Promise.all(items.map(({ itemId, revision }) => this.merge(redis, epoch, itemId, 'n', revision, []))),
    );
  }

  /** Where news are told: elsewhere after a failover of the database, as the entries are. */
  async channel(): Promise<string> {
    return newsOf(await this.epochNow());
  }

  /**
   * Says to all processes that this one is there, and which revision the channels and locations have. Only who has just
   * seen the database in this epoch prolongs that: where nobody can, all fall silent, and no copy is believed.
   */
  async beat(): Promise<void> {
    await this.write(async (redis, epoch) => {
      const kept = wholeNumber(await redis.get(`${this.prefixOf(epoch)}configuration`).catch(() => null));
      await this.tellConfiguration(redis, kept ?? (await this.configuration()));
    });
  }

  /** undefined: not ours. */
  readNews(message: string): News | undefined {
    const [process, counted, kind, ...said] = message.split('\n');
    const count = wholeNumber(counted);
    if (!process || count === undefined) return undefined;
    if (kind === 'items') return { process, count, skus: said };
    const [id, field, revision, ...fields] = said;
    if (kind === 'configuration') return { process, count, configuration: wholeNumber(id) };
    const itemId = wholeNumber(id);
    if (kind !== 'stock' || itemId === undefined) return undefined;
    const positions: Position[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const position = parsePosition(itemId, wholeNumber(fields[i]), fields[i + 1] as string);
      if (position) positions.push(position);
    }
    return { process, count, stock: { itemId, ...(field ? { revision: wholeNumber(revision) } : {}), positions } };
  }

  /** Looks which database it is. What was heard of another would be taken for newer, and never give way. */
  async followFailover(): Promise<void> {
    this.follow(await this.repository.state());
  }

  /** `listener` is told that nothing which was read before is to be believed. */
  onFailover(listener: () => void): void {
    this.failoverListeners.push(listener);
  }

  /**
   * Of these notices, the ones whose version Redis does not have. Also where it has no entry: nothing is served of that, but
   * the processes have copies, and were told only if Redis was. Undefined: Redis does not say.
   */
  async behind(notices: readonly Notice[]): Promise<Notice[] | undefined> {
    const stale: Notice[] = [];
    const said = await this.write(async (redis, epoch) => {
      const prefix = this.prefixOf(epoch);
      const known = await Promise.all(
        notices.map(({ itemId, locationId }) =>
          redis.hget(`${prefix}stock:${itemId}`, String(locationId ?? 'n')).catch((error: Error) => {
            if (error.name !== 'ReplyError') throw error;
            return null; // a key of another type: to be filled anew
          }),
        ),
      );
      for (const [index, notice] of notices.entries()) {
        if (!(Number.parseInt(known[index] ?? '', 10) >= notice.version)) stale.push(notice);
      }
    });
    return said ? stale : undefined;
  }

  /** False: Redis is not there, or did not take it. */
  private async write(work: (redis: WithMerge, epoch: string) => Promise<unknown>): Promise<boolean> {
    if (!this.redis || !this.present) return false;
    try {
      await work(this.redis, await this.epochNow());
      return true;
    } catch (error) {
      this.link.failed(error);
      // The relay says it again; until then readers of this Redis may be behind by at most a second.
      return false;
    }
  }

  private merge(
    redis: WithMerge,
    epoch: string,
    itemId: number,
    field: 'r' | 'n' | '',
    revision: number,
    fields: readonly (string | number)[],
  ): Promise<number> {
    const head = `${this.sign()}\nstock\n${itemId}`;
    return redis.mergeStock(
      `${this.prefixOf(epoch)}stock:${itemId}`,
      ENTRY_TTL_MS,
      newsOf(epoch),
      head,
      field,
      revision,
      ...fields,
    );
  }

  private async setConfiguration(redis: Redis, { epoch, configuration }: DatabaseState): Promise<void> {
    await redis.set(`${this.prefixOf(epoch)}configuration`, configuration, 'PX', CONFIGURATION_TTL_MS);
  }

  private async tellConfiguration(redis: Redis, revision: number): Promise<void> {
    await redis.publish(await this.channel(), `${this.sign()}\nconfiguration\n${revision}`);
  }

  private sign(): string {
    this.said += 1;
    return `${this.process}\n${this.said}`;
  }

  private async epochNow(): Promise<string> {
    return this.epoch ?? this.follow(await this.repository.state());
  }

  private follow({ epoch }: DatabaseState): string {
    const before = this.epoch;
    this.epoch = epoch;
    if (before !== undefined && before !== epoch) for (const listener of this.failoverListeners) listener();
    return epoch;
  }

  /** What it kept of another database, or over another start of Redis, may be older than what was told: it is not looked at again. */
  private prefixOf(epoch: string): string {
    return `hf:${epoch}:${this.link.start}:`;
  }
}

/** Where all processes hear each other. */
function newsOf(epoch: string): string {
  return `hf:${epoch}:news`;
}

/** False: a hold has expired since, which the entry does not know. */
function isLive({ positions }: ItemStock, now: number): boolean {
  return !positions.some((position) => isOverdue(position, now));
}
