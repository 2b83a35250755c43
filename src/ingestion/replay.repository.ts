import pg from 'pg';

/** What was carried over, and what of it is left to a person. */
export interface Replayed {
  /** Events, and how many of them are to be applied. */
  readonly events: number;
  readonly waiting: number;
  /** Rows of events that a person has corrected or given up one by one: they are tried as they were sent. */
  readonly rowsByHand: number;
}

/** Rows of a table that are taken along at once. */
const PORTION = 200;

/** A person has given it up, or it is another body under a known id: it is not applied again. */
const GIVEN_UP = `
  o.status = 'exception' and not exists (
    select from exception e
     where e.inbox_id = o.id and e.status = 'open' and e.kind <> 'conflicting_duplicate')`;

/** What decides how an event is applied, each behind what it refers to; then the events. */
const TABLES: readonly (readonly [table: string, rows: string])[] = [
  ...['item', 'item_uom', 'item_identifier', 'location', 'channel', 'channel_location', 'channel_item', 'profile'],
  ...['source', 'source_secret', 'source_ownership', 'feed_catalog', 'inbox', 'inbox_key'],
].map((table) => [table, `select * from ${table}`] as const);

const SETTLED: typeof TABLES = [
  ['event_outcome', `select o.* from event_outcome o where ${GIVEN_UP}`],
  [
    'exception',
    `select x.* from exception x
      where x.payload is not null and x.fact is null
         or exists (select from event_outcome o
                     where o.received_at = x.inbox_received_at and o.id = x.inbox_id and ${GIVEN_UP})`,
  ],
];

/** Safety stock is said of a position by hand, and changes no figure of it. */
const POLICIES: typeof TABLES = [
  [
    '"position"',
    'select item_id, location_id, 0 as on_hand, 0 as damaged, 0 as quarantined, 0 as recalled, 0 as expired, ' +
      '0 as inspection, 0 as reserved, 0 as incoming, safety_stock, 0 as version, as_of from position where safety_stock > 0',
  ],
];

/**
 * Carries the catalogue, the sources and all that they sent from one database into another, which must be empty and of
 * the same release, and has everything applied there again: whatever process serves it does that, as with events that
 * just came. Reads one moment of the first, and writes all into the second or nothing. Throws an Error that says what is
 * in the way.
 */
export async function replayInto(fromUrl: string, toUrl: string): Promise<Replayed> {
  const from = new pg.Client({ connectionString: fromUrl });
  const to = new pg.Client({ connectionString: toUrl });
  try {
    await Promise.all([from.connect(), to.connect()]);
    await from.query('begin isolation level repeatable read read only');
    await to.query('begin');
    await requireRoom(from, to);
    await makeDays(from, to);
    for (const [table, rows] of [...TABLES, ...SETTLED, ...POLICIES]) await carry(from, to, table, rows);
    await goOnCounting(to);
    const replayed = await putToWait(to);
    const rowsByHand = await countRowsByHand(from);
    await to.query('commit');
    return { ...replayed, rowsByHand };
  } finally {
    await Promise.all([from.end(), to.end()]);
  }
}

async function requireRoom(from: pg.Client, to: pg.Client): Promise<void> {
  const releases = await Promise.all(
    [from, to].map(async (client) => {
      const { rows } = await client.query('select string_agg(name, $1 order by name) as names from migrations', [' ']);
      return rows[0].names;
    }),
  );
  if (releases[0] !== releases[1]) {
    throw new Error('The two databases are not of the same release. Start this release on each of them once.');
  }
  const { rows } = await to.query(
    `select exists (select from item) or exists (select from location) or exists (select from channel)
         or exists (select from source) or exists (select from inbox) as used`,
  );
  if (rows[0].used) throw new Error('The database to fill is not empty. Take a new one: nothing was changed.');
}

async function makeDays(from: pg.Client, to: pg.Client): Promise<void> {
  const { rows } = await from.query<{ day: string }>(
    `select distinct (received_at at time zone 'UTC')::date::text as day from inbox order by day`,
  );
  for (const { day } of rows) await to.query('select make_inbox_day($1::date)', [day]);
}

/** As JSON, in which PostgreSQL writes every value so that it reads it the same. */
async function carry(from: pg.Client, to: pg.Client, table: string, rows: string): Promise<void> {
  await from.query(`declare carried no scroll cursor for select to_jsonb(r)::text as row from (${rows}) r`);
  for (;;) {
    const { rows: portion } = await from.query<{ row: string }>(`fetch ${PORTION} from carried`);
    if (portion.length === 0) break;
    await to.query(
      `insert into ${table} overriding system value
       select r.* from unnest($1::text[]) as given(row), jsonb_populate_record(null::${table}, given.row::jsonb) r`,
      [portion.map(({ row }) => row)],
    );
  }
  await from.query('close carried');
}

/** Behind what was carried over. */
async function goOnCounting(to: pg.Client): Promise<void> {
  await to.query(`select setval('inbox_turn', greatest(1, (select max(turn) from inbox)))`);
  for (const table of ['item', 'location', 'channel', 'source']) {
    await to.query(
      `select setval(pg_get_serial_sequence('${table}', 'id'), greatest(1, (select max(id) from ${table})))`,
    );
  }
  await to.query('update configuration set revision = revision + 1');
}

/** In their old turns. `attempts` has the worker look for what a person has put in the place of a payload. */
async function putToWait(to: pg.Client): Promise<{ events: number; waiting: number }> {
  const { rowCount: waiting } = await to.query(
    `insert into inbox_waiting (source_id, turn, received_at, id, attempts)
     select i.source_id, i.turn, i.received_at, i.id,
            (exists (select from exception e where e.inbox_id = i.id and e.payload is not null))::int
       from inbox i
      where not exists (select from event_outcome o where o.received_at = i.received_at and o.id = i.id)`,
  );
  const { rows } = await to.query('select count(*)::int as events from inbox');
  return { events: rows[0].events, waiting: waiting ?? 0 };
}

async function countRowsByHand(from: pg.Client): Promise<number> {
  const { rows } = await from.query(
    `select count(*)::int as n from exception e
      where e.fact is not null
        and exists (select from jsonb_array_elements(e.notes) as n(entry)
                     where entry ->> 'action' in ('resolve', 'discard') or entry ? 'payload')`,
  );
  return rows[0].n;
}
