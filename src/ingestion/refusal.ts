import { type Quantity, toNumber } from '../catalog/quantity.js';
import { toBase, unitOf } from '../catalog/unit-of-measure.js';
import type { DirectoryItem, DirectoryLocation } from '../channels/directory.js';
import type { Catalogue } from '../stock/command.js';
import type { ItemName } from './canonical-event.js';
import { nameOf, type Said } from './fact.js';
import type { Refusal } from './task.js';

/** Ends the look at a row: why it is not applied. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.detail);
  }
}

/** `about`: what is missing, by which the row is found when it appears. */
export function refusal(kind: string, detail: string, about: Pick<Refusal, 'sku' | 'location'> = {}): Refused {
  return new Refused({ kind, detail, ...about });
}

/** Throws Refused: `unknown_item`. */
export function itemOf(catalogue: Catalogue, sku: string | undefined, name: ItemName): DirectoryItem {
  const item = sku === undefined ? undefined : catalogue.item(sku);
  if (item) return item;
  const missing = sku ?? nameOf(name);
  throw refusal('unknown_item', `There is no item ${nameOf(name)}. It is applied as soon as there is one.`, {
    sku: missing,
  });
}

/** Throws Refused: `unknown_location`. */
export function locationOf(catalogue: Catalogue, code: string): DirectoryLocation {
  const location = catalogue.configuration.locationNamed(code);
  if (location) return location;
  throw refusal('unknown_location', `There is no location ${code}. It is applied as soon as there is one.`, {
    location: code,
  });
}

/** What was said, in the base unit. Throws Refused: `unknown_uom`, `sanity_limit`, `invalid_quantity`. */
export function inBase(item: DirectoryItem, { quantity, uom }: Said): Quantity {
  const unit = unitOf(item, uom ?? undefined);
  if (!unit) {
    const units = [item.baseUom, ...item.uoms.map(({ code }) => code)].join(', ');
    throw refusal(
      'unknown_uom',
      `${item.sku} is measured in ${units}, not in ${uom}. Add the unit, or correct the event.`,
      { sku: item.sku },
    );
  }
  const base = toBase(unit, quantity);
  if (typeof base === 'number') return base;
  const what = `${toNumber(quantity)} ${unit.code} of ${item.sku}`;
  throw base === 'too_large'
    ? refusal('sanity_limit', `${what} is more than there can be: at most 100,000,000,000 of the base unit.`)
    : refusal(
        'invalid_quantity',
        `${what} is not a multiple of ${toNumber(unit.step)} ${item.baseUom}, the least there is of it.`,
      );
}
