import type { RateLimit } from '../access/principal.js';
import type { Quantity } from '../catalog/quantity.js';
import { stepOf } from '../catalog/quantity.js';
import type { FieldError } from '../problems/problem.js';
import type { Sourcing } from './directory.js';

export const SOURCINGS = ['listed_order', 'fullest_first', 'single_location'] as const satisfies readonly Sourcing[];
export const STALE_POLICIES = ['serve', 'buffer', 'refuse'] as const;
export type StalePolicy = (typeof STALE_POLICIES)[number];

/** A year: no hold outlives it. */
export const LONGEST_HOLD_SECONDS = 31_536_000;

/** What a client says of a channel: PUT replaces all of it. Quantities in ten-thousandths of each item's base unit. */
export interface ChannelContent {
  readonly name: string;
  /** Codes, in sourcing order. */
  readonly locations: readonly string[];
  readonly sourcing: Sourcing;
  /** A shortfall uncovers channels of the lowest priority first (semantics.md 7). */
  readonly priority: number;
  readonly buffer: Quantity;
  /** 0: none; null: unlimited. */
  readonly backorderLimit: Quantity | null;
  readonly holdTtlSeconds: number;
  readonly maxHoldTtlSeconds: number;
  /** Holds that one client may have open on one item; null: any number. */
  readonly maxOpenHolds: number | null;
  /** How much of one item one client may hold; null: any amount. */
  readonly maxHeldQuantity: Quantity | null;
  readonly rateLimit: RateLimit | null;
  readonly stalePolicy: StalePolicy;
  readonly staleBuffer: Quantity;
}

export interface Channel extends ChannelContent {
  readonly id: number;
  readonly code: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What one channel says about one item; undefined: the channel's own figure counts. */
export interface ChannelItemContent {
  readonly buffer: Quantity | undefined;
  /** null: unlimited. */
  readonly backorderLimit: Quantity | null | undefined;
}

/** What the fields say against each other, each with its pointer. */
export function faultsOf({ locations, holdTtlSeconds, maxHoldTtlSeconds }: ChannelContent): FieldError[] {
  const faults = locations.flatMap((code, i): FieldError[] =>
    locations.indexOf(code) < i
      ? [{ pointer: `/locations/${i}`, code: 'duplicate', detail: `${code} is listed twice` }]
      : [],
  );
  if (holdTtlSeconds > maxHoldTtlSeconds) {
    const detail = `takes at most maxHoldTtlSeconds, which is ${maxHoldTtlSeconds}; without it, it is 900`;
    faults.push({ pointer: '/holdTtlSeconds', code: 'too_large', detail });
  }
  return faults;
}

/** Figures that the item cannot have: half a piece can be neither withheld nor backordered. */
export function itemFaultsOf(rule: ChannelItemContent, fractionDigits: number): FieldError[] {
  return (['buffer', 'backorderLimit'] as const).flatMap((field): FieldError[] =>
    (rule[field] ?? 0) % stepOf(fractionDigits) !== 0
      ? [
          {
            pointer: `/${field}`,
            code: 'too_precise',
            detail: `takes at most ${fractionDigits} fraction digits, as the item does`,
          },
        ]
      : [],
  );
}

/** True if a PUT of `next` would leave everything as it is. */
export function sameChannel(channel: ChannelContent, next: ChannelContent): boolean {
  return JSON.stringify(contentOf(channel)) === JSON.stringify(contentOf(next));
}

function contentOf(channel: ChannelContent): unknown[] {
  const { name, locations, sourcing, priority, buffer, backorderLimit, rateLimit, stalePolicy, staleBuffer } = channel;
  const limit = rateLimit && [rateLimit.requestsPerMinute, rateLimit.burst];
  const holds = [channel.holdTtlSeconds, channel.maxHoldTtlSeconds, channel.maxOpenHolds, channel.maxHeldQuantity];
  return [name, locations, sourcing, priority, buffer, backorderLimit, limit, stalePolicy, staleBuffer, holds];
}
