import { hash } from 'node:crypto';
import { Inject, Injectable, OnModuleInit } from '@nestjs/common';
import { Answer } from '../access/answer.js';
import type { Principal } from '../access/principal.js';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import type { Quantity } from '../catalog/quantity.js';
import { requestedQuantity, requestedUnit } from '../catalog/requested-quantity.js';
import { fromBase, type Unit } from '../catalog/unit-of-measure.js';
import { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import { channelFor } from '../channels/named-channel.js';
import type { Clock } from '../config.module.js';
import { CLOCK } from '../config.module.js';
import { invalid, Problem } from '../problems/problem.js';
import { PostingEngine } from '../stock/posting.engine.js';
import type { Silence } from './freshness.js';
import { Freshness } from './freshness.service.js';
import { Quote, quote, Standing, standingOf } from './quote.js';
import { plan } from './sourcing.js';
import { StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { type Found, type FoundStock, StockFinder } from './stock.finder.js';

export interface OneQuery {
  readonly channel?: string;
  readonly uom?: string;
  readonly expand?: 'locations';
}

export interface QueryLine {
  readonly sku: string;
  /** In the unit of `uom`. Without it the line only asks what there is. */
  readonly quantity?: number;
  readonly uom?: string;
}

/** Quotes kept of one item: channels, units, with locations or without. Beyond them they are made each time. */
const MOST_MADE = 64;

/** A quote ready made, good as long as exactly this item, this channel and this silence of sources hold. */
interface Made {
  readonly item: DirectoryItem;
  readonly channel: DirectoryChannel;
  readonly silent: Silence;
  readonly unit: Unit;
  readonly stands: Standing;
  /** JSON. */
  readonly text: string;
  /** Once somebody has asked for it alone. */
  answer?: Answer;
  /** The line that was last asked for by itself: nearly all ask for one piece. */
  line?: { readonly quantity: number; readonly text: string; readonly whole: boolean };
}

/** What a channel may promise now (semantics.md 4, 9 to 13), through the cache where there is one. */
@Injectable()
export class AvailabilityService implements OnModuleInit {
  constructor(
    private readonly finder: StockFinder,
    private readonly copy: StockCopy,
    private readonly cache: StockCache,
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

  /**
   * One SKU, with a weak ETag over the answer: whatever changes it, a hold's expiry too, changes the tag. Not a promise
   * where the process has what it takes.
   */
  one(caller: Principal, sku: string, query: OneQuery, ifNoneMatch: string | undefined): Answer | Promise<Answer> {
    const answer = ({ configuration, found: [here] }: FoundStock) => {
      const channel = channelFor(caller, query.channel, configuration, 'parameter');
      if (!here) throw new Problem('unknown_sku', `There is no item ${sku}.`);
      return this.answerOne(here, channel, query, ifNoneMatch);
    };
    const atHand = this.finder.atHand([sku]);
    return atHand ? answer(atHand) : this.finder.find([sku]).then(answer);
  }

  private answerOne(
    here: Found,
    channel: DirectoryChannel,
    { uom, expand }: OneQuery,
    ifNoneMatch: string | undefined,
  ): Answer {
    const made = this.madeFor(here, channel, uom, expand);
    made.answer ??= answerOf(made.text);
    const { answer } = made;
    return matches(ifNoneMatch, answer.headers.ETag as string) ? new Answer(304, null, answer.headers) : answer;
  }

  private madeFor(here: Found, channel: DirectoryChannel, uom: string | undefined, expand: 'locations' | undefined) {
    try {
      return this.made(here, channel, this.silentNow(), uom, expand);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.code !== 'unknown_uom') throw problem;
      throw invalid([{ parameter: 'uom', code: 'unknown_uom', detail: problem.detail }]);
    }
  }

  /** Up to 2,000 lines. Lines of one SKU share its stock, in their order; nothing is reserved by it. */
  query(caller: Principal, channelCode: string | undefined, lines: readonly QueryLine[]): Answer | Promise<Answer> {
    const bySku = new Map<string, Asked[]>();
    for (let index = 0; index < lines.length; index += 1) {
      const line = lines[index] as QueryLine;
      const ofSku = bySku.get(line.sku);
      if (ofSku) ofSku.push({ index, line });
      else bySku.set(line.sku, [{ index, line }]);
    }
    const skus = [...bySku.keys()];
    const answer = ({ configuration, found }: FoundStock) => {
      const channel = channelFor(caller, channelCode, configuration, 'body');
      const silent = this.silentNow();
      const texts = new Array<string>(lines.length);
      let fulfillable = true;
      let at = 0;
      for (const [sku, asked] of bySku) {
        const here = found[at];
        at += 1;
        const whole = here
          ? this.answerLines(here, channel, silent, asked, texts)
          : refuseLines(asked, channel, { code: 'unknown_sku', detail: `There is no item ${sku}.` }, texts);
        if (!whole) fulfillable = false;
      }
      // Around the lines before they are joined: around the text of all it would be copied once more to be sent, 25 kB of 100 lines.
      const last = texts.length - 1;
      texts[0] = `{"lines":[${texts[0]}`;
      texts[last] = `${texts[last]}],"fulfillable":${fulfillable}}`;
      return new Answer(200, undefined, {}, texts.join(','));
    };
    const atHand = this.finder.atHand(skus);
    return atHand ? answer(atHand) : this.finder.find(skus).then(answer);
  }

  /** Writes the answers to lines of one SKU into `texts`. False: not all that is wanted can be had. */
  private answerLines(
    here: Found,
    channel: DirectoryChannel,
    silent: Silence,
    asked: readonly Asked[],
    texts: string[],
  ): boolean {
    const wanted: Wanted[] = [];
    let whole = true;
    for (const { index, line } of asked) {
      try {
        const made = this.made(here, channel, silent, line.uom, undefined);
        const alone = asked.length === 1 && made.line?.quantity === line.quantity ? made.line : undefined;
        if (line.quantity === undefined) texts[index] = made.text;
        else if (alone) {
          texts[index] = alone.text;
          whole = alone.whole;
        } else wanted.push({ index, line, made, quantity: requestedQuantity(made.unit, line.quantity, '/quantity') });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        // A line that cannot be answered says why, and its neighbours are answered (api.md).
        whole = refuseLines([{ index, line }], channel, error.more.errors?.[0] ?? error, texts);
      }
    }
    return planLines(here.item, channel, wanted, texts) && whole;
  }

  /** Made once of what stands in the copy, and given until that changes. */
  private made(
    { item, stock }: Found,
    channel: DirectoryChannel,
    silent: Silence,
    uom: string | undefined,
    expand: 'locations' | undefined,
  ): Made {
    const name = uom === undefined && expand === undefined ? channel.code : `${channel.code} ${uom ?? ''} ${expand}`;
    const known = stock.answers?.get(name) as Made | undefined;
    if (known && known.item === item && known.channel === channel && known.silent === silent) return known;
    const unit = requestedUnit(item, uom, '/uom');
    const stands = standingOf(item, channel, stock.positions, silent);
    const text = JSON.stringify(quote(item, channel, unit, stands, expand === 'locations'));
    const made: Made = { item, channel, silent, unit, stands, text };
    if (stock.answers && (known || stock.answers.size < MOST_MADE)) stock.answers.set(name, made);
    return made;
  }

  private silentNow(): Silence {
    return this.freshness.silentAt(this.clock());
  }
}

function answerOf(text: string): Answer {
  const tag = `W/"${hash('sha1', text, 'base64url')}"`;
  // Revalidated at every use: a copy that a browser keeps for a second is a promise nobody made.
  return new Answer(
    200,
    undefined,
    { ETag: tag, 'Cache-Control': 'private, no-cache', Vary: 'Authorization, Origin' },
    text,
  );
}

interface Asked {
  readonly line: QueryLine;
  readonly index: number;
}

/** A line that asks for a quantity, here in ten-thousandths of the base unit. */
interface Wanted extends Asked {
  readonly made: Made;
  readonly quantity: Quantity;
}

/** Says from where these lines of one item would be sourced. False: not all of them whole. */
function planLines(
  item: DirectoryItem,
  channel: DirectoryChannel,
  wanted: readonly Wanted[],
  texts: string[],
): boolean {
  if (wanted.length === 0) return true;
  const plans = item.tracked
    ? plan(
        (wanted[0] as Wanted).made.stands.promisable,
        channel.sourcing,
        wanted.map(({ made, quantity }) => ({ quantity, step: made.unit.step, locationId: null })),
      )
    : [];
  let whole = true;
  for (const [at, { index, line, made }] of wanted.entries()) {
    const planned = plans[at];
    const answer = {
      quantity: line.quantity,
      fulfillable: planned ? planned.short === 0 : item.active,
      plan: (planned?.shares ?? [])
        .map(({ locationId, quantity, backordered }) => ({
          location: channel.locations.find(({ id }) => id === locationId)?.code,
          quantity: fromBase(made.unit, quantity - backordered),
        }))
        .filter(({ quantity }) => quantity > 0),
    };
    const text = `${made.text.slice(0, -1)},${JSON.stringify(answer).slice(1)}`;
    texts[index] = text;
    whole &&= answer.fulfillable;
    if (wanted.length === 1) made.line = { quantity: line.quantity as number, text, whole };
  }
  return whole;
}

/** Says why there is no answer to these lines. Always false: none of them can be had. */
function refuseLines(
  asked: readonly Asked[],
  channel: DirectoryChannel,
  { code, detail }: { readonly code: string; readonly detail: string },
  texts: string[],
): false {
  for (const { index, line } of asked) {
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
    texts[index] = JSON.stringify({
      ...nothing,
      ...(line.quantity === undefined ? {} : { quantity: line.quantity, plan: [] }),
      fulfillable: false,
      problem: { code, detail },
    });
  }
  return false;
}

function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (!ifNoneMatch) return false;
  const strip = (text: string) => text.trim().replace(/^W\//, '');
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((each) => strip(each) === strip(tag));
}
