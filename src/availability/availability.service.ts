import { createHash } from 'node:crypto';
import { Inject, Injectable, OnModuleInit } from '@nestjs/common';
import { Answer } from '../access/answer.js';
import type { Principal } from '../access/principal.js';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import { requestedQuantity, requestedUnit } from '../catalog/requested-quantity.js';
import { fromBase, type Unit } from '../catalog/unit-of-measure.js';
import { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import { channelFor } from '../channels/named-channel.js';
import type { Clock } from '../config.module.js';
import { CLOCK } from '../config.module.js';
import { inSpan } from '../operations/spans.tracer.js';
import { invalid, Problem } from '../problems/problem.js';
import { PostingEngine } from '../stock/posting.engine.js';
import { AvailabilityRepository, ItemStock } from './availability.repository.js';
import type { Silence } from './freshness.js';
import { Freshness } from './freshness.service.js';
import { Quote, quote, Standing, standingOf } from './quote.js';
import { plan } from './sourcing.js';
import { cacheReads, StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { StockReader } from './stock.reader.js';

export interface QueryLine {
  readonly sku: string;
  /** In the unit of `uom`. Without it the line only asks what there is. */
  readonly quantity?: number;
  readonly uom?: string;
}

/** How often a reading is repeated when the catalogue moved between two trips. */
const ATTEMPTS = 4;

/** Answers kept of one item: channels, units, with locations or without. Beyond them they are made each time. */
const ANSWERS = 64;

interface Found {
  readonly item: DirectoryItem;
  readonly stock: ItemStock;
  /** Revision of the channels and locations it was found with. */
  readonly configuration: number;
}

interface MadeAnswer {
  readonly silent: Silence;
  readonly answer: Answer;
}

/** What a channel may promise now (semantics.md 4, 9 to 13), through the cache where there is one. */
@Injectable()
export class AvailabilityService implements OnModuleInit {
  constructor(
    private readonly directory: Directory,
    private readonly repository: AvailabilityRepository,
    private readonly copy: StockCopy,
    private readonly cache: StockCache,
    private readonly reader: StockReader,
    private readonly engine: PostingEngine,
    private readonly changes: CatalogChanges,
    private readonly freshness: Freshness,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.engine.onCommitted((positions) => {
      this.copy.hearOwn(positions);
      return this.cache.publish(positions);
    });
    this.changes.listen((change) => this.cache.announce(change));
    this.cache.onFailover(() => void this.changes.announce({ everything: true }));
  }

  /** One SKU, with a weak ETag over the answer: whatever changes it, a hold's expiry too, changes the tag. */
  async one(
    caller: Principal,
    sku: string,
    query: { channel?: string; uom?: string; expand?: 'locations' },
    ifNoneMatch: string | undefined,
  ): Promise<Answer> {
    const { channel, found } = await this.read(caller, query.channel, [sku], 'parameter');
    const here = found.get(sku);
    if (!here) throw new Problem('unknown_sku', `There is no item ${sku}.`);
    const answer = this.answerOf(here, channel, query.uom, query.expand === 'locations');
    return matches(ifNoneMatch, answer.headers.ETag as string) ? new Answer(304, null, answer.headers) : answer;
  }

  /** Made once of what stands in the copy, and given until that changes. */
  private answerOf(here: Found, channel: DirectoryChannel, uom: string | undefined, expand: boolean): Answer {
    const { item, stock, configuration } = here;
    const silent = this.freshness.silentAt(this.clock());
    const name = `${channel.code} ${uom ?? ''} ${expand} ${configuration} ${item.revision}`;
    const made = stock.answers?.get(name) as MadeAnswer | undefined;
    if (made?.silent === silent) return made.answer;
    const unit = this.unitOfQuery(item, uom);
    const body = quote(item, channel, unit, standing(here, channel, silent), expand);
    const text = JSON.stringify(body);
    const tag = `W/"${createHash('sha1').update(text).digest('base64url')}"`;
    // Revalidated at every use: a copy that a browser keeps for a second is a promise nobody made.
    const headers = { ETag: tag, 'Cache-Control': 'private, no-cache', Vary: 'Authorization, Origin' };
    const answer = new Answer(200, body, headers, text);
    if (stock.answers && stock.answers.size < ANSWERS) stock.answers.set(name, { silent, answer } satisfies MadeAnswer);
    return answer;
  }

  /** Up to 2,000 lines. Lines of one SKU share its stock, in their order; nothing is reserved by it. */
  async query(caller: Principal, channelCode: string | undefined, lines: readonly QueryLine[]) {
    const skus = [...new Set(lines.map(({ sku }) => sku))];
    const { channel, found } = await this.read(caller, channelCode, skus, 'body');
    const answers: Record<string, unknown>[] = [];
    const silent = this.freshness.silentAt(this.clock());
    for (const sku of skus) {
      const ofSku = lines.flatMap((line, index) => (line.sku === sku ? [{ line, index }] : []));
      const here = found.get(sku);
      const answered = here ? answerItem(here, channel, ofSku, silent) : unknownLines(sku, channel, ofSku);
      for (const { index, answer } of answered) {
        answers[index] = answer;
      }
    }
    const asked = answers.filter((answer) => answer.fulfillable !== undefined);
    return { lines: answers, fulfillable: asked.every((answer) => answer.fulfillable === true) };
  }

  private unitOfQuery(item: DirectoryItem, uom: string | undefined): Unit {
    try {
      return requestedUnit(item, uom, '/uom');
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      throw invalid([{ parameter: 'uom', code: 'unknown_uom', detail: problem.detail }]);
    }
  }

  /**
   * The stock of these SKUs and the channel it is promised in, all of the same revisions. What the cache does not have,
   * the database does; a copy of the catalogue that turns out to be older than the figures is read again.
   */
  private async read(
    caller: Principal,
    channelCode: string | undefined,
    skus: readonly string[],
    where: 'body' | 'parameter',
  ): Promise<{ channel: DirectoryChannel; found: Map<string, Found> }> {
    await this.directory.lookUp(skus);
    for (let attempt = 1; ; attempt += 1) {
      const configuration = await this.directory.configuration();
      const items = skus.flatMap((sku) => this.directory.item(sku) ?? []);
      const stock = await this.stockOf(items.map(({ id }) => id));
      // An older revision in the cache does no harm: the figures do not depend on it, only our copy must not be older.
      const behind = items.filter((item) => (stock.items.get(item.id)?.revision ?? Infinity) > item.revision);
      const moved = stock.configuration > configuration.revision;
      if ((!moved && behind.length === 0) || attempt === ATTEMPTS) {
        const channel = channelFor(caller, channelCode, configuration, where);
        const found = items.flatMap((item) => {
          const here = stock.items.get(item.id);
          return here ? [[item.sku, { item, stock: here, configuration: configuration.revision }] as const] : [];
        });
        return { channel, found: new Map(found) };
      }
      await this.directory.refresh({ configuration: moved, items: behind });
    }
  }

  private async stockOf(
    ids: readonly number[],
  ): Promise<{ configuration: number; items: ReadonlyMap<number, ItemStock> }> {
    const now = this.clock();
    const known = this.copy.configuration;
    const kept = this.copy.read(ids, now);
    cacheReads.inc({ outcome: 'copy' }, kept.size);
    if (known !== undefined && kept.size === ids.length) return { configuration: known, items: kept };
    const absent = ids.filter((id) => !kept.has(id));
    const keep = this.copy.begin();
    const cached = await inSpan('read cache', () => this.cache.read(absent, now), readings(absent.length));
    keep(cached.items.values());
    const items = new Map([...kept, ...cached.items]);
    const missing = absent.filter((id) => !items.has(id));
    const revision = cached.configuration ?? known;
    if (missing.length === 0 && revision !== undefined) return { configuration: revision, items };
    const keepRead = this.copy.begin();
    const read = missing.length > 0 ? await this.reader.read(missing) : undefined;
    // Where no item was found, the statement says nothing of the configuration either.
    const state = read?.state ?? (await this.repository.state());
    const found = missing.flatMap((id) => read?.items.get(id) ?? []);
    // First: what is filled is published, to this process too, and would look as if it had overtaken the reading.
    keepRead(found);
    await this.cache.fill(state, found);
    for (const stock of found) items.set(stock.itemId, stock);
    return { configuration: state.configuration, items };
  }
}

/** What a span of reading the cache says. */
function readings(asked: number) {
  return ({ items }: { readonly items: ReadonlyMap<number, unknown> }) => ({
    'holdfast.cache.asked': asked,
    'holdfast.cache.found': items.size,
  });
}

function standing({ item, stock }: Found, channel: DirectoryChannel, silent: Silence): Standing {
  return standingOf(item, channel, stock.positions, silent);
}

interface Asked {
  readonly line: QueryLine;
  readonly index: number;
}

/** What the channel does not promise now is a refusal a line, and its neighbours are answered. */
function answerItem(here: Found, channel: DirectoryChannel, asked: readonly Asked[], silent: Silence) {
  try {
    return answerLines(here, channel, asked, standing(here, channel, silent));
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'stale_availability') throw error;
    return asked.map(({ line, index }) => ({ index, answer: refusedLine(line, channel, error) }));
  }
}

function answerLines(here: Found, channel: DirectoryChannel, asked: readonly Asked[], stands: Standing) {
  const { item } = here;
  const resolved = asked.map(({ line, index }) => {
    try {
      const unit = requestedUnit(item, line.uom, `/lines/${index}/uom`);
      const quantity =
        line.quantity === undefined ? undefined : requestedQuantity(unit, line.quantity, `/lines/${index}/quantity`);
      return { index, line, unit, quantity };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { index, line, problem: error.more.errors?.[0] };
    }
  });
  const wanting = resolved.flatMap((each) =>
    each.quantity === undefined ? [] : [{ ...each, quantity: each.quantity }],
  );
  const plans = item.tracked
    ? plan(
        stands.promisable,
        channel.sourcing,
        wanting.map(({ unit, quantity }) => ({ quantity, step: unit.step, locationId: null })),
      )
    : [];
  const codes = new Map(channel.locations.map(({ id, code }) => [id, code]));
  return resolved.map((each) => {
    const { unit } = each;
    if (!unit) return { index: each.index, answer: refusedLine(each.line, channel, each.problem) };
    const quoted = quote(item, channel, unit, stands, false);
    if (each.quantity === undefined) return { index: each.index, answer: { ...quoted } };
    const planned = plans[wanting.findIndex(({ index }) => index === each.index)];
    return {
      index: each.index,
      answer: {
        ...quoted,
        quantity: each.line.quantity,
        fulfillable: planned ? planned.short === 0 : item.active,
        plan: (planned?.shares ?? [])
          .map(({ locationId, quantity, backordered }) => ({
            location: codes.get(locationId),
            quantity: fromBase(unit, quantity - backordered),
          }))
          .filter(({ quantity }) => quantity > 0),
      },
    };
  });
}

function unknownLines(sku: string, channel: DirectoryChannel, asked: readonly Asked[]) {
  const problem = { code: 'unknown_sku', detail: `There is no item ${sku}.` };
  return asked.map(({ line, index }) => ({ index, answer: refusedLine(line, channel, problem) }));
}

/** A line that cannot be answered says why, and its neighbours are answered (api.md). */
function refusedLine(
  line: QueryLine,
  channel: DirectoryChannel,
  problem: { code: string; detail: string } | undefined,
) {
  const nothing: Omit<Quote, 'uom' | 'asOf'> & { uom: string | null; asOf: null } = {
    sku: line.sku,
    channel: channel.code,
    uom: line.uom ?? null,
    available: 0,
    backorderable: 0,
    status: 'not_carried',
    stale: false,
    asOf: null,
    version: 0,
  };
  return {
    ...nothing,
    ...(line.quantity === undefined ? {} : { quantity: line.quantity, plan: [] }),
    fulfillable: false,
    problem: { code: problem?.code, detail: problem?.detail },
  };
}

function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (!ifNoneMatch) return false;
  const strip = (text: string) => text.trim().replace(/^W\//, '');
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((each) => strip(each) === strip(tag));
}
