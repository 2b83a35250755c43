import { type DirectoryChannel, type DirectoryItem, rulesFor } from '../channels/directory.js';
import { Problem } from '../problems/problem.js';
import type { Position } from '../stock/position.js';
import type { ChannelRules } from './available-to-promise.js';

/** Locations whose source has been silent past its budget, with when it was last heard (semantics.md 28). */
export type Silence = ReadonlyMap<number, number>;

export const NOBODY_SILENT: Silence = new Map();

/** A location whose figures are good for a while. Milliseconds since 1970. */
export interface Budget {
  readonly heardAt: number;
  readonly freshUntil: number;
}

/** Since when, and how long, nothing changes of who is silent: most questions are answered without looking at any. */
export interface SilenceNow {
  readonly silent: Silence;
  readonly from: number;
  readonly until: number;
}

export function silenceAt(budgets: ReadonlyMap<number, Budget>, now: number): SilenceNow {
  let from = Number.NEGATIVE_INFINITY;
  let until = Number.POSITIVE_INFINITY;
  const silent = new Map<number, number>();
  for (const [locationId, { heardAt, freshUntil }] of budgets) {
    if (freshUntil > now) {
      until = Math.min(until, freshUntil);
    } else {
      from = Math.max(from, freshUntil);
      silent.set(locationId, heardAt);
    }
  }
  return { silent, from, until };
}

export function isSameSilence(one: Silence, other: Silence): boolean {
  return one.size === other.size && [...one].every(([locationId, heardAt]) => other.get(locationId) === heardAt);
}

/**
 * The rules by which a channel promises an item, given who is silent: `serve` changes nothing, `buffer` keeps
 * `staleBuffer` back too, `refuse` throws `stale_availability`. What is quoted is admitted: both ask here.
 */
export function rulesUnder(
  channel: DirectoryChannel,
  item: DirectoryItem,
  positions: readonly Position[],
  silent: Silence,
): ChannelRules {
  const rules = rulesFor(channel, item);
  if (silent.size === 0 || channel.stalePolicy === 'serve') return rules;
  const stale = channel.locations.find(
    ({ id, enabled }) => enabled && silent.has(id) && positions.some(({ locationId }) => locationId === id),
  );
  if (!stale) return rules;
  if (channel.stalePolicy === 'buffer') return { ...rules, buffer: rules.buffer + channel.staleBuffer };
  const since = new Date(silent.get(stale.id) as number).toISOString();
  const detail = `Nothing was heard of ${stale.code} since ${since}: channel ${channel.code} does not promise ${item.sku} now.`;
  throw new Problem('stale_availability', detail, { extra: { location: stale.code, asOf: since } });
}
