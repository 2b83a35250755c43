import { isGln, toGtin14 } from '../catalog/gs1.js';
import { IDENTIFIER_TYPES, type Identifier } from '../catalog/item.js';
import { isTimezone, LOCATION_TYPES } from '../catalog/location.js';
import { CODE, isSku, isText } from '../problems/text.js';
import { CONDITIONS, type Condition } from '../stock/position.js';
import {
  type Amount,
  type CanonicalEvent,
  type CanonicalEventOf,
  EVENT_TYPES,
  type EventType,
  type ItemName,
  type ItemUpdated,
  type LocationUpdated,
  QUANTITY_BASES,
  type RowFault,
  type Stocked,
  type StockSnapshot,
  SUPPLY_KINDS,
  UNFIT,
} from './canonical-event.js';
import { Fields, MappingFailed, type QuantityRange, summaryOf } from './event-fields.js';

/** As many rows as 5 MB can hold that say anything. */
export const MOST_ROWS = 100_000;
export const MOST_LINES = 10_000;
export const LOCATION_LENGTH = 128;
export const REFERENCE_LENGTH = 128;

type Data<T extends EventType> = CanonicalEventOf<T>['data'];

/**
 * Reads one event in the form of CloudEvents 1.0 as api.md documents it. What `data` holds beyond its documented fields
 * is left alone. Throws MappingFailed with a pointer for each thing that is wrong; only in a snapshot a bad row stands
 * for itself and is among `faults`.
 */
export function parseCanonical(json: unknown): CanonicalEvent {
  const event = Fields.of(json);
  if (event.has('specversion') && event.value('specversion') !== '1.0') {
    event.fault('specversion', 'invalid_value', 'takes "1.0", the version of CloudEvents');
  }
  const type = event.oneOf('type', EVENT_TYPES);
  const id = event.text('id', 255);
  const time = event.optionalTime('time');
  const sequence = readSequence(event);
  if (event.faults.length === 0) {
    if (type !== 'source.heartbeat.v1' && !event.has('data')) event.fault('data', 'required', 'takes an object');
    const fields = event.fields('data');
    fields.lookalikes(KNOWN);
    const data = READERS[type](fields);
    if (event.faults.length === 0) return { type, id, time, sequence, data } as CanonicalEvent;
  }
  throw new MappingFailed(summaryOf(event.faults), event.faults);
}

/** What a feed counts: a whole number, as such or as digits; a number only while JavaScript counts exactly. */
function readSequence(event: Fields): string | null {
  const value = event.value('sequence');
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  if (typeof value === 'string' && /^\d{1,64}$/.test(value)) return value.replace(/^0+(?=\d)/, '');
  event.fault('sequence', 'invalid_sequence', 'takes a whole number from 0, or a text of at most 64 digits');
  return null;
}

const READERS: { readonly [T in EventType]: (fields: Fields) => Data<T> } = {
  'stock.received.v1': (fields) => ({ ...stocked(fields), ...noted(fields), condition: condition(fields) }),
  'stock.adjusted.v1': (fields) => ({
    ...itemName(fields),
    ...place(fields),
    quantity: fields.quantity(fields.has('delta') ? 'delta' : 'quantity', { negative: true }),
    uom: uom(fields),
    ...noted(fields),
    condition: condition(fields),
    reason: fields.optionalText('reason', REFERENCE_LENGTH),
  }),
  'stock.counted.v1': (fields) => ({ ...stocked(fields, { zero: true }), ...noted(fields), ...meaning(fields) }),
  'stock.snapshot.v1': snapshot,
  'stock.condition_changed.v1': (fields) => ({
    ...stocked(fields),
    ...noted(fields),
    from: fields.oneOf('from', CONDITIONS),
    to: fields.oneOf('to', CONDITIONS),
    reason: fields.optionalText('reason', REFERENCE_LENGTH),
  }),
  'stock.transferred.v1': (fields) => ({ ...amount(fields), ...noted(fields), ...way(fields) }),
  'transfer.shipped.v1': (fields) => ({
    ...amount(fields),
    ...noted(fields),
    ...way(fields),
    expectedAt: fields.optionalTime('expectedAt'),
  }),
  'transfer.received.v1': (fields) => ({
    ...amount(fields),
    ...noted(fields),
    from: fields.optionalText('from', LOCATION_LENGTH),
    to: fields.text(fields.has('to') || !fields.has('location') ? 'to' : 'location', LOCATION_LENGTH),
    condition: condition(fields),
  }),
  'shipment.confirmed.v1': (fields) => ({
    ...orderName(fields),
    shipmentRef: fields.text('shipmentRef', REFERENCE_LENGTH),
    ...place(fields),
    lines: lines(fields),
  }),
  'shipment.cancelled.v1': (fields) => ({
    ...orderName(fields),
    shipmentRef: fields.text('shipmentRef', REFERENCE_LENGTH),
    location: fields.optionalText('location', LOCATION_LENGTH),
    lines: fields.has('lines') ? lines(fields) : null,
  }),
  'return.received.v1': (fields) => ({
    ...stocked(fields),
    ...noted(fields),
    condition: conditionOfReturn(fields),
    orderRef: fields.optionalText('orderRef', REFERENCE_LENGTH),
  }),
  'supply.expected.v1': (fields) => ({
    ...stocked(fields, { zero: true }),
    kind: fields.oneOf('kind', SUPPLY_KINDS, 'purchase'),
    lot: noted(fields).lot,
    reference: fields.text('reference', REFERENCE_LENGTH),
    expectedAt: fields.optionalTime('expectedAt'),
  }),
  'supply.cancelled.v1': (fields) => ({
    kind: fields.has('kind') ? fields.oneOf('kind', SUPPLY_KINDS) : null,
    reference: fields.text('reference', REFERENCE_LENGTH),
    item: fields.has('sku') || fields.has('identifier') ? itemName(fields) : null,
    location: fields.optionalText('location', LOCATION_LENGTH),
  }),
  'order.cancelled.v1': (fields) => {
    if (!fields.has('orderRef') && !fields.has('reservationId')) {
      fields.fault('orderRef', 'required', 'takes the order that is cancelled, unless reservationId names it');
    }
    return {
      ...orderName(fields),
      lines: fields.has('lines') ? lines(fields) : null,
      reason: fields.optionalText('reason', REFERENCE_LENGTH),
    };
  },
  'item.updated.v1': itemUpdated,
  'location.updated.v1': locationUpdated,
  'source.heartbeat.v1': () => ({}),
};

/** The documented fields by their names, and by those without case and underscores. */
const KNOWN = new Map(
  (
    'sku identifier location quantity delta uom lot reference condition reason basis nettedUpTo complete locations rows ' +
    'from to expectedAt orderRef reservationId shipmentRef lines restock kind code'
  )
    .split(' ')
    .flatMap((name): [string, string][] => [
      [name.toLowerCase(), name],
      [name, name],
    ]),
);

function snapshot(fields: Fields): StockSnapshot {
  const locations = fields.entries('locations', MOST_ROWS);
  locations?.forEach((location, i) => {
    if (isText(location, LOCATION_LENGTH)) return;
    fields.fault(`locations/${i}`, 'invalid_text', 'takes the code of a location');
  });
  const entries = fields.entries('rows', MOST_ROWS);
  if (entries === null && !fields.has('rows')) fields.fault('rows', 'required', 'takes a list of rows');
  const complete = fields.boolean('complete', false);
  if (complete && locations === null && entries?.length === 0) {
    fields.fault(
      'locations',
      'required',
      'takes the locations that are empty: a complete snapshot without rows names none',
    );
  }
  const rows: Stocked[] = [];
  const faults: RowFault[] = [];
  entries?.forEach((entry, row) => {
    const reading = Fields.of(entry, `${fields.pointerTo('rows')}/${row}`);
    reading.lookalikes(KNOWN);
    const read = stocked(reading, { zero: true });
    if (reading.faults.length === 0) rows.push(read);
    else faults.push(rowFault(row, reading, read));
  });
  return { complete, locations: locations as string[] | null, rows, faults, ...meaning(fields) };
}

function rowFault(row: number, { faults }: Fields, { sku, identifier, location }: Stocked): RowFault {
  const wrong = (name: string) => faults.some(({ pointer }) => pointer?.includes(`/${row}/${name}`));
  const nameless = wrong('sku') || wrong('identifier') || (!sku && !identifier);
  return {
    row,
    item: nameless ? null : { sku, identifier },
    location: wrong('location') || location === '' ? null : location,
    detail: summaryOf(faults),
  };
}

function stocked(fields: Fields, range?: QuantityRange): Stocked {
  return { ...amount(fields, range), ...place(fields) };
}

function lines(fields: Fields): Amount[] {
  return fields.list('lines', MOST_LINES, (line) => {
    line.lookalikes(KNOWN);
    return amount(line);
  });
}

function amount(fields: Fields, range?: QuantityRange): Amount {
  return { ...itemName(fields), quantity: fields.quantity('quantity', range), uom: uom(fields) };
}

function uom(fields: Fields): string | null {
  return fields.optionalText('uom', 8);
}

function place(fields: Fields): { location: string } {
  return { location: fields.text('location', LOCATION_LENGTH) };
}

function way(fields: Fields): { from: string; to: string } {
  const from = fields.text('from', LOCATION_LENGTH);
  const to = fields.text('to', LOCATION_LENGTH);
  if (from === to && from !== '') fields.fault('to', 'same_location', 'takes another location than `from`');
  return { from, to };
}

function noted(fields: Fields): { lot: string | null; reference: string | null } {
  return {
    lot: fields.optionalText('lot', REFERENCE_LENGTH),
    reference: fields.optionalText('reference', REFERENCE_LENGTH),
  };
}

function meaning(fields: Fields): Pick<StockSnapshot, 'basis' | 'nettedUpTo'> {
  const basis = fields.has('basis') ? fields.oneOf('basis', QUANTITY_BASES) : null;
  return { basis, nettedUpTo: fields.optionalTime('nettedUpTo') };
}

function orderName(fields: Fields): { orderRef: string | null; reservationId: string | null } {
  return {
    orderRef: fields.optionalText('orderRef', REFERENCE_LENGTH),
    reservationId: fields.optionalText('reservationId', REFERENCE_LENGTH),
  };
}

function condition(fields: Fields): Condition {
  return fields.oneOf('condition', CONDITIONS, 'sellable');
}

/** `restock` decides; `condition` says how it lies there if it is not restocked, and implies that if it stands alone. */
function conditionOfReturn(fields: Fields): Condition {
  const named = condition(fields);
  const restock = fields.boolean('restock', named === 'sellable');
  if (restock && named !== 'sellable') {
    fields.fault('condition', 'contradiction', `takes no ${named} with restock: what is restocked is sellable`);
  }
  if (!restock && fields.has('condition') && named === 'sellable') {
    fields.fault('condition', 'contradiction', 'takes an unsellable condition with restock: false');
  }
  return !restock && named === 'sellable' ? UNFIT : named;
}

function itemName(fields: Fields): ItemName {
  const sku = fields.value('sku');
  if (sku === undefined && fields.has('identifier')) {
    return { sku: null, identifier: readIdentifier(fields.fields('identifier')) };
  }
  if (isSku(sku)) return { sku, identifier: null };
  const detail = 'takes 1 to 64 printable characters, not starting or ending in a space';
  fields.fault(
    'sku',
    sku === undefined ? 'required' : 'invalid_sku',
    sku === undefined ? `${detail}, or identifier` : detail,
  );
  return { sku: '', identifier: null };
}

function readIdentifier(fields: Fields): Identifier {
  const type = fields.oneOf('type', IDENTIFIER_TYPES);
  const value = fields.text('value', 80);
  const party = fields.optionalText('party', 64) ?? '';
  // A wrong check digit is no fault of the event's form: no item has the number, which is what is then reported.
  if (type === 'gtin') return { type, value: toGtin14(value) ?? value, party: '' };
  if (type === 'partner' && party === '') fields.fault('party', 'required', 'takes whose number the value is');
  return { type, value, party };
}

function itemUpdated(fields: Fields): ItemUpdated {
  const { sku } = itemName(fields);
  if (fields.has('identifier')) fields.fault('identifier', 'unexpected', 'does not name an item here: send sku');
  const fractionDigits = fields.value('fractionDigits');
  if (fractionDigits !== undefined && ![0, 1, 2, 3, 4].includes(fractionDigits as number)) {
    fields.fault('fractionDigits', 'invalid_value', 'takes a whole number from 0 to 4');
  }
  const attributes = fields.value('attributes');
  if (attributes !== undefined) fields.fields('attributes');
  return {
    sku: sku ?? '',
    changes: said({
      name: fields.optionalText('name', 200),
      baseUom: unit(fields, 'baseUom'),
      fractionDigits: fractionDigits as number | undefined,
      tracked: fields.optionalBoolean('tracked'),
      active: fields.optionalBoolean('active'),
      uoms: fields.optionalList('uoms', 50, (entry) => ({
        code: unit(entry, 'code') ?? entry.text('code', 8),
        factor: entry.quantity('factor'),
      })),
      identifiers: fields.optionalList('identifiers', 100, readIdentifier),
      attributes: attributes as Record<string, unknown> | undefined,
    }),
  };
}

function locationUpdated(fields: Fields): LocationUpdated {
  const named = fields.has('location') && !fields.has('code') ? 'location' : 'code';
  const location = fields.text(named, 64);
  if (location !== '' && !CODE.test(location)) {
    fields.fault(named, 'invalid_code', 'takes 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or a digit');
  }
  const gln = fields.value('gln');
  if (gln !== undefined && !isGln(gln)) {
    fields.fault('gln', 'invalid_gln', 'takes a GLN of 13 digits with its right check digit');
  }
  const timezone = fields.value('timezone');
  if (timezone !== undefined && !isTimezone(timezone)) {
    fields.fault('timezone', 'invalid_timezone', 'takes an IANA time zone such as Europe/Berlin');
  }
  return {
    location,
    changes: said({
      name: fields.optionalText('name', 200),
      type: fields.has('type') ? fields.oneOf('type', LOCATION_TYPES) : undefined,
      enabled: fields.optionalBoolean('enabled'),
      gln: gln as string | undefined,
      timezone: timezone as string | undefined,
    }),
  };
}

function unit(fields: Fields, name: string): string | null {
  const value = fields.optionalText(name, 8);
  if (value !== null && value !== '' && !/^[A-Z0-9]{1,8}$/.test(value)) {
    fields.fault(name, 'invalid_unit', 'takes a code of UN/ECE Rec 20 or, with an X before it, Rec 21');
  }
  return value;
}

/** Without what was left out. */
function said<T extends Record<string, unknown>>(changes: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(changes).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
