import { auditValues, INSERT_AUDIT_ENTRIES } from '../access/audit.repository.js';
import type { AuditEntry } from '../access/audit-entry.js';
import type { Intent, Remembered } from '../access/idempotency.js';
import type { DirectoryItem } from '../channels/directory.js';
import { combined } from '../postgres/combined.js';
import { Send } from './command.js';
import type { Ledger, PositionKey, Touched } from './ledger.js';
import type { Movement } from './movement.js';
import type { Position } from './position.js';

/**
 * The statements of the posting engine, each prepared once a connection and sent without waiting for the one before.
 * Quantities travel as whole ten-thousandths.
 */

const FACTS = {
  name: 'facts',
  text: `
    select (select revision from configuration) as configuration, count(*) as items,
           coalesce(sum(revision), 0)::bigint as revisions
      from item where id = any($1::bigint[]) and deleted_at is null`,
};

/**
 * Which of the facts a batch was prepared with are no longer so. A revision only grows, and what we hold was read
 * before: as many items with the same sum are the same revisions, and one row says so. Where they are not, all items
 * of the batch are read again.
 */
export async function readFacts(
  send: Send,
  items: readonly DirectoryItem[],
): Promise<(known: number) => { configuration: boolean; items: DirectoryItem[] } | undefined> {
  const [row] = await send<{ configuration: number; items: number; revisions: number }>(FACTS, [
    items.map((item) => item.id),
  ]);
  const known = items.reduce((sum, item) => sum + item.revision, 0);
  return (configurationRevision) => {
    const configuration = row?.configuration !== configurationRevision;
    const same = row?.items === items.length && row.revisions === known;
    return configuration || !same ? { configuration, items: same ? [] : [...items] } : undefined;
  };
}

const SHARE_ITEMS = {
  name: 'share-items',
  text: 'select 1 from item where id = any($1::bigint[]) order by id for key share',
};

/**
 * Keeps these items from being deleted until the transaction ends. Only for items without a position to lock,
 * the untracked ones: for the others it would write the item's row with every batch.
 */
export async function shareItems(send: Send, items: readonly DirectoryItem[]): Promise<void> {
  await send(SHARE_ITEMS, [items.map((item) => item.id)]);
}

const CREATE_POSITIONS = {
  name: 'create-positions',
  text: `
    insert into position (item_id, location_id, as_of)
    select item_id, location_id, to_timestamp($3::float8 / 1000)
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
     -- A look is half of what an insert costs that finds the row there, as nearly every one would.
     where not exists (select from position p where p.item_id = k.item_id and p.location_id = k.location_id)
     order by item_id, location_id
    on conflict do nothing
    returning item_id, location_id`,
};

/** Makes positions that do not exist yet, in lock order; says which those were. */
export async function createPositions(send: Send, keys: readonly PositionKey[], now: number): Promise<PositionKey[]> {
  const rows = await send<{ item_id: number; location_id: number }>(CREATE_POSITIONS, [
    keys.map((key) => key.itemId),
    keys.map((key) => key.locationId),
    now,
  ]);
  return rows.map((row) => ({ itemId: row.item_id, locationId: row.location_id }));
}

const DELETE_POSITIONS = {
  name: 'delete-positions',
  text: `
    delete from position p
     using unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
     where p.item_id = k.item_id and p.location_id = k.location_id and p.version = 0`,
};

/** Takes back what was made for commands that were then refused: a refusal leaves nothing (semantics.md 31). */
export async function deletePositions(send: Send, keys: readonly PositionKey[]): Promise<void> {
  await send(DELETE_POSITIONS, [keys.map((key) => key.itemId), keys.map((key) => key.locationId)]);
}

const LOCK_POSITIONS = {
  name: 'lock-positions',
  text: `
    select p.item_id, p.location_id,
           (p.on_hand * 10000)::bigint as on_hand,
           (nullif(p.damaged, 0) * 10000)::bigint as damaged, (nullif(p.expired, 0) * 10000)::bigint as expired,
           (nullif(p.recalled, 0) * 10000)::bigint as recalled, (nullif(p.quarantined, 0) * 10000)::bigint as quarantined,
           (nullif(p.inspection, 0) * 10000)::bigint as inspection,
           (p.reserved * 10000)::bigint as reserved, (nullif(p.incoming, 0) * 10000)::bigint as incoming,
           (nullif(p.safety_stock, 0) * 10000)::bigint as safety_stock,
           p.version, extract(epoch from p.next_expiry)::float8 * 1000 as next_expiry,
           extract(epoch from p.as_of)::float8 * 1000 as as_of
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
      join position p using (item_id, location_id)
     order by p.item_id, p.location_id
       for no key update of p`,
};

/** null: 0, as nearly all of these are. What is null is neither computed nor sent, nor read from text. */
export interface PositionRow {
  item_id: number;
  location_id: number;
  on_hand: number;
  damaged: number | null;
  expired: number | null;
  recalled: number | null;
  quarantined: number | null;
  inspection: number | null;
  reserved: number;
  incoming: number | null;
  safety_stock: number | null;
  version: number;
  next_expiry: number | null;
  as_of: number;
}

/**
 * Locks these positions until the transaction ends. Everybody locks in the order of item and location, so two batches
 * over the same items queue and never deadlock.
 */
export async function lockPositions(send: Send, keys: readonly PositionKey[]): Promise<Position[]> {
  const rows = await send<PositionRow>(LOCK_POSITIONS, [
    keys.map((key) => key.itemId),
    keys.map((key) => key.locationId),
  ]);
  return rows.map(positionOf);
}

export function positionOf(row: PositionRow): Position {
  return {
    itemId: row.item_id,
    locationId: row.location_id,
    onHand: row.on_hand,
    unsellable: {
      damaged: row.damaged ?? 0,
      expired: row.expired ?? 0,
      recalled: row.recalled ?? 0,
      quarantined: row.quarantined ?? 0,
      inspection: row.inspection ?? 0,
    },
    reserved: row.reserved,
    incoming: row.incoming ?? 0,
    safetyStock: row.safety_stock ?? 0,
    version: row.version,
    nextExpiry: row.next_expiry,
    asOf: row.as_of,
  };
}

// lateral … offset 0: key by key through the index, even when the plan was made while the table was empty, as it is on
// a new database and behind a purge.
const READ_INTENTS = {
  name: 'read-intents',
  text: `
    select i.client_id, i.key, i.fingerprint, i.status, i.body
      from unnest($1::text[], $2::text[]) as k(client_id, key)
     cross join lateral (
             select * from idempotency_key i where i.client_id = k.client_id and i.key = k.key offset 0) i`,
};

/** What was answered before to these intents, by `intentName`. Read behind the locks, so a twin's answer is seen. */
export async function readIntents(send: Send, intents: readonly Intent[]): Promise<Map<string, Remembered>> {
  if (intents.length === 0) return new Map();
  const rows = await send<Remembered & { client_id: string; key: string }>(READ_INTENTS, [
    intents.map((intent) => intent.clientId),
    intents.map((intent) => intent.key),
  ]);
  return new Map(rows.map((row) => [`${row.client_id} ${row.key}`, row]));
}

const WRITE_INTENTS = {
  name: 'write-intents',
  text: `
    insert into idempotency_key (client_id, key, fingerprint, status, body, created_at)
    select client_id, key, fingerprint, status, body, to_timestamp($6::float8 / 1000)
      from unnest($1::text[], $2::text[], $3::bytea[], $4::int[], $5::text[])
        as k(client_id, key, fingerprint, status, body)`,
};

/** Fails with 23505 when another process has answered one of them since: the batch is then tried again. */
export async function writeIntents(
  send: Send,
  answered: readonly { intent: Intent; status: number; body: string }[],
  now: number,
): Promise<void> {
  await send(WRITE_INTENTS, [
    answered.map(({ intent }) => intent.clientId),
    answered.map(({ intent }) => intent.key),
    answered.map(({ intent }) => intent.fingerprint),
    answered.map(({ status }) => status),
    answered.map(({ body }) => body),
    now,
  ]);
}

const UPDATE_POSITIONS = {
  name: 'update-positions',
  text: `
    update position p
       set on_hand = p.on_hand + d.on_hand * 0.0001,
           damaged = p.damaged + d.damaged * 0.0001,
           expired = p.expired + d.expired * 0.0001,
           recalled = p.recalled + d.recalled * 0.0001,
           quarantined = p.quarantined + d.quarantined * 0.0001,
           inspection = p.inspection + d.inspection * 0.0001,
           reserved = p.reserved + d.reserved * 0.0001,
           safety_stock = d.safety_stock * 0.0001,
           version = p.version + d.movements,
           next_expiry = to_timestamp(d.next_expiry / 1000),
           as_of = to_timestamp(d.as_of / 1000)
      from unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::float8[], $13::float8[])
        as d(item_id, location_id, on_hand, damaged, expired, recalled, quarantined, inspection, reserved,
             safety_stock, movements, next_expiry, as_of)
     where p.item_id = d.item_id and p.location_id = d.location_id`,
};

/** One update a touched position, by difference: the CHECKs of the table judge the sum a second time. */
function positionColumns(changed: readonly Touched[]): unknown[] {
  const column = (value: (touched: Touched) => number | null) => changed.map(value);
  const difference = (figure: (position: Position) => number) =>
    column(({ position, before }) => figure(position) - figure(before));
  return [
    column(({ position }) => position.itemId),
    column(({ position }) => position.locationId),
    difference((position) => position.onHand),
    difference((position) => position.unsellable.damaged),
    difference((position) => position.unsellable.expired),
    difference((position) => position.unsellable.recalled),
    difference((position) => position.unsellable.quarantined),
    difference((position) => position.unsellable.inspection),
    difference((position) => position.reserved),
    column(({ position }) => position.safetyStock),
    difference((position) => position.version),
    column(({ position }) => position.nextExpiry),
    column(({ position }) => position.asOf),
  ];
}

const INSERT_MOVEMENTS = {
  name: 'insert-movements',
  text: `
    insert into movement (item_id, location_id, version, kind, on_hand_delta, reserved_delta, unsellable_delta,
                          condition, reason, note, reference, source, event_id, turn, reservation_id, actor, at)
    select item_id, location_id, version, kind, on_hand * 0.0001, reserved * 0.0001, unsellable * 0.0001,
           condition, reason, note, reference, source, event_id, turn, reservation_id, actor,
           to_timestamp($17::float8 / 1000)
      from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[],
                  $16::text[])
        as m(item_id, location_id, version, kind, on_hand, reserved, unsellable, condition, reason, note, reference,
             source, event_id, turn, reservation_id, actor)`,
};

function movementColumns(movements: readonly Movement[], now: number): unknown[] {
  const column = <T>(value: (movement: Movement) => T) => movements.map(value);
  return [
    column((movement) => movement.itemId),
    column((movement) => movement.locationId),
    column((movement) => movement.version),
    column((movement) => movement.kind),
    column((movement) => movement.onHand ?? 0),
    column((movement) => movement.reserved ?? 0),
    column((movement) => movement.unsellable ?? 0),
    column((movement) => movement.condition ?? null),
    column((movement) => movement.reason ?? null),
    column((movement) => movement.note ?? null),
    column((movement) => movement.reference ?? null),
    column((movement) => movement.source ?? null),
    column((movement) => movement.eventId ?? null),
    column((movement) => movement.turn ?? null),
    column((movement) => movement.reservationId ?? null),
    column((movement) => movement.actor),
    now,
  ];
}

const INSERT_OUTBOX = {
  name: 'insert-outbox',
  text: `
    insert into outbox (item_id, location_id, version, at)
    select item_id, location_id, version, to_timestamp($4::float8 / 1000)
      from unnest($1::bigint[], $2::int[], $3::bigint[]) as o(item_id, location_id, version)`,
};

/**
 * One change notice a position, with its newest version, however many movements the batch posted to it. Where nothing moved and
 * a hold is to expire earlier, with the version behind that, which Redis does not have: so the relay reads it, for who did not
 * hear of it, or heard it before an older reading, would count the hold past its expiry (semantics.md 16).
 */
function noticesOf(told: readonly Touched[]): (PositionKey & { version: number })[] {
  return told.flatMap(({ position, before }) => {
    const { itemId, locationId, version, nextExpiry } = position;
    if (version > before.version) return { itemId, locationId, version };
    const isSooner = nextExpiry !== null && before.nextExpiry !== null && nextExpiry < before.nextExpiry;
    return isSooner ? { itemId, locationId, version: version + 1 } : [];
  });
}

const POST = combined('post', UPDATE_POSITIONS, INSERT_MOVEMENTS, INSERT_OUTBOX);

/** Writes what the batch has done to positions, its movements, and a change notice where it is told (`Ledger.told`). */
export async function writeLedger(send: Send, ledger: Ledger, told: readonly Touched[]): Promise<void> {
  const { movements, now } = ledger;
  const figures = positionColumns(ledger.changed());
  const notices = noticesOf(told);
  if (movements.length === 0 && notices.length === 0) return void (await send(UPDATE_POSITIONS, figures));
  await send(POST, [
    ...figures,
    ...movementColumns(movements, now),
    notices.map(({ itemId }) => itemId),
    notices.map(({ locationId }) => locationId),
    notices.map(({ version }) => version),
    now,
  ]);
}

export async function insertAuditEntries(send: Send, entries: readonly AuditEntry[]): Promise<void> {
  await send(INSERT_AUDIT_ENTRIES, auditValues(entries));
}
