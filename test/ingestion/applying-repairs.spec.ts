import { BacklogRepository } from '../../src/ingestion/backlog.repository.js';
import { InboxDaysWorker } from '../../src/ingestion/inbox-days.worker.js';
import { until } from '../engine/crowd.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { Feed, positionOf, type Sent } from './applying-world.js';

const DAY_MS = 86_400_000;

let app: TestApp;
let wms: Feed;
let names = 0;
beforeAll(async () => {
  // Nothing looks by itself what has appeared: the tests do.
  app = await startApp({ env: { INGEST_POLL_MS: '60000' } });
  wms = await Feed.of(app);
  await app.given.location({ code: 'A' });
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

const newItem = async (): Promise<string> => (await app.given.item()).sku;
const newName = (what: string): string => `${what}-${++names}`;

const received = (sku: string, quantity: number, more = {}): Sent => ({
  type: 'stock.received.v1',
  data: { sku, location: 'A', quantity, ...more },
});

/** Looks once for what has appeared, and waits until that is applied. Answers how many events are tried again. */
async function look(feed = wms): Promise<number> {
  const found = await app.app.get(BacklogRepository, { strict: false }).retryFound();
  await feed.settle();
  return found;
}

async function attemptsOf(inboxId: string | undefined): Promise<number | undefined> {
  const rows = await rowsOf<{ attempts: number }>(app.databaseUrl, 'select attempts from event where id = $1', [
    inboxId,
  ]);
  return rows[0]?.attempts;
}

/** In the order of the ids. */
async function statusesOf(inboxIds: readonly (string | undefined)[]): Promise<(string | undefined)[]> {
  const rows = await rowsOf<{ id: string; status: string }>(
    app.databaseUrl,
    'select id, status from event where id = any($1)',
    [inboxIds],
  );
  return inboxIds.map((id) => rows.find((row) => row.id === id)?.status);
}

describe('what is missing', () => {
  it.each(['stock.transferred.v1', 'transfer.shipped.v1'])(
    'is the location that %s goes to, and is not looked for in the one that it leaves',
    async (type) => {
      const [sku, nowhere] = [await newItem(), newName('TO')];
      await app.given.stock(sku, 'A', 8);
      const [id] = await wms.send({ type, data: { sku, from: 'A', to: nowhere, quantity: 5 } });
      expect(await wms.exceptions()).toContain(`unknown_location ${sku} ${nowhere}`);
      for (let looks = 0; looks < 3; looks += 1) expect(await look()).toBe(0);
      expect(await attemptsOf(id)).toBe(1);
      await app.given.location({ code: nowhere });
      await look();
      expect(await attemptsOf(id)).toBe(2);
      expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 3 });
      expect(await wms.exceptions()).not.toContain(`unknown_location ${sku} ${nowhere}`);
    },
  );

  it('is named anew when one thing has appeared and another has not', async () => {
    const [sku, from, to] = [await newItem(), newName('FROM'), newName('TO')];
    const [id] = await wms.send({ type: 'stock.transferred.v1', data: { sku, from, to, quantity: 5 } });
    expect(await wms.exceptions()).toContain(`unknown_location ${sku} ${from}`);
    await app.given.location({ code: from });
    await look();
    expect(await wms.exceptions()).toContain(`unknown_location ${sku} ${to}`);
    expect(await look()).toBe(0);
    expect(await attemptsOf(id)).toBe(2);
  });

  it('may be tried more often than a smallint counts', async () => {
    const sku = newName('late');
    const [id] = await wms.send(received(sku, 5));
    await rowsOf(app.databaseUrl, 'update event_outcome set attempts = 32767 where id = $1', [id]);
    await app.given.item({ sku });
    await look();
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 5 });
  });

  it.each([
    ['acme:eu', '6'],
    ['acme', 'V:9:a'],
    ['100%3A:', ':6:'],
  ])('is found by what %s calls it: %s', async (party, value) => {
    const identifier = { type: 'partner', value, party };
    const data = { identifier, location: 'A', quantity: 4 };
    const [id] = await wms.send({ type: 'stock.received.v1', data });
    await app.given.item({ identifiers: [{ ...identifier, party: 'another' }] });
    expect(await look()).toBe(0);
    const { sku } = await app.given.item({ identifiers: [identifier] });
    await look();
    expect(await attemptsOf(id)).toBe(2);
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 4 });
  });

  it('is an item of an order that is cancelled', async () => {
    const [one, other] = [newName('one'), newName('other')];
    const lines = [one, other].map((sku) => ({ sku, quantity: 1 }));
    const [id] = await wms.send({ type: 'order.cancelled.v1', data: { orderRef: newName('SO'), lines } });
    expect(await wms.exceptions()).toContain(`unknown_item ${one}`);
    await app.given.item({ sku: one });
    await look();
    expect(await wms.exceptions()).toContain(`unknown_item ${other}`);
    expect(await look()).toBe(0);
    await app.given.item({ sku: other });
    await look();
    expect(await attemptsOf(id)).toBe(3);
    expect((await wms.exceptions()).filter((each) => each.includes(other))).toEqual([]);
  });
});

describe('what is wrong', () => {
  const applied = (ids: readonly string[]) =>
    until('it is applied', async () => {
      await wms.settle();
      return (await statusesOf(ids)).every((status) => status === 'applied');
    });

  it('is the unit until the item has it, also in a row', async () => {
    const sku = await newItem();
    const other = await newItem();
    const rows = [
      { sku, location: 'A', quantity: 2, uom: 'XPX' },
      { sku: other, location: 'A', quantity: 1 },
    ];
    const [snapshot] = await wms.send({ type: 'stock.snapshot.v1', data: { rows } });
    const [id = ''] = await wms.send(received(other, 3, { uom: 'XPX' }));
    expect(await statusesOf([snapshot, id])).toEqual(['applied', 'parked']);
    await app.given.item({ sku: other, uoms: [{ code: 'XCS', factor: 4 }] });
    await until('it is tried', async () => (await attemptsOf(id)) === 2);
    await app.given.item({ sku, uoms: [{ code: 'XPX', factor: 10 }] });
    await app.given.item({ sku: other, uoms: [{ code: 'XPX', factor: 10 }] });
    await applied([id]);
    await until('the row is applied', async () => (await positionOf(app, sku, 'A')).onHand === 20);
    expect(await positionOf(app, other, 'A')).toMatchObject({ onHand: 31 });
    expect(await wms.exceptions()).not.toContain(`unknown_uom ${sku} A`);
  });

  it('is the unit of an item in an order that is cancelled', async () => {
    const sku = await newItem();
    const lines = [{ sku, quantity: 1, uom: 'XPX' }];
    const [id = ''] = await wms.send({ type: 'order.cancelled.v1', data: { orderRef: newName('SO'), lines } });
    expect(await wms.exceptions()).toContain(`unknown_uom ${sku}`);
    await app.given.item({ sku, uoms: [{ code: 'XPX', factor: 10 }] });
    await until('it is tried', async () => (await attemptsOf(id)) === 2);
  });

  it('is what a source does not own until it does', async () => {
    const [sku, row] = [await newItem(), await newItem()];
    await rowsOf(app.databaseUrl, 'delete from source_ownership returning 1');
    await app.given.location({ code: 'B' });
    const owns = [{ location: 'B', facts: ['on_hand'] }];
    const partner = await Feed.of(app, 'partner', { owns });
    const rows = ['A', 'B'].map((location) => ({ sku: row, location, quantity: 5 }));
    const [whole] = await partner.send(received(sku, 5));
    const [inPart] = await partner.send({ type: 'stock.snapshot.v1', data: { rows } });
    expect(await statusesOf([whole, inPart])).toEqual(['parked', 'applied']);
    await Feed.of(app, 'partner', { owns: [...owns, { location: 'A', facts: ['on_hand'] }] });
    await partner.settle();
    expect(await statusesOf([whole, inPart])).toEqual(['applied', 'applied']);
    expect(await positionOf(app, row, 'A')).toMatchObject({ onHand: 5 });
    expect(await partner.exceptions()).toEqual([]);
    await rowsOf(app.databaseUrl, 'delete from source_ownership returning 1');
    await Feed.of(app);
  });

  it('is no more that another source was to own a location by then, of which it owns the others', async () => {
    const sku = await newItem();
    await app.given.location({ code: 'C' });
    const time = (hours: number) => new Date(app.clock.now() + hours * 3_600_000).toISOString();
    await Feed.of(app, 'partner', { owns: [{ location: 'C', facts: ['on_hand'], from: time(1) }] });
    const [id] = await wms.send({ ...received(sku, 5, { location: 'C' }), time: time(2) });
    expect(await wms.exceptions()).toContain(`not_owner ${sku} C`);
    await Feed.of(app, 'partner', { owns: [] });
    await wms.settle();
    expect(await statusesOf([id])).toEqual(['applied']);
  });

  it('is the profile until there is a version, or another, that understands the event', async () => {
    const put = (name: string, expression: string) =>
      app.api().put(`/v1/profiles/${name}`, { title: 'Theirs', format: 'json', expression });
    const row = '{ "type": "source.heartbeat.v1", "id": key }';
    await put('theirs', '{ "type": kind }').expect(201);
    await put('ours', row).expect(201);
    const shop = await Feed.of(app, 'shop', { profile: 'theirs', owns: [] });
    const [id = ''] = await shop.send('{"key":"1"}');
    expect(await statusesOf([id])).toEqual(['exception']);
    await put('theirs', row).expect(200);
    await shop.settle();
    expect(await statusesOf([id])).toEqual(['applied']);
    expect(await shop.exceptions()).toEqual([]);

    await put('theirs', '{ "type": kind }').expect(200);
    const [other = ''] = await shop.send('{"key":"2"}');
    expect(await statusesOf([other])).toEqual(['exception']);
    await Feed.of(app, 'shop', { profile: 'ours', owns: [] });
    await shop.settle();
    expect(await statusesOf([other])).toEqual(['applied']);
  });

  it('is a profile of which another process has just made a version', async () => {
    const profile = { title: 'Elsewhere', format: 'json', expression: '{ "type": kind }' };
    await app.api().put('/v1/profiles/elsewhere', profile).expect(201);
    const shop = await Feed.of(app, 'elsewhere', { profile: 'elsewhere', owns: [] });
    const [id] = await shop.send('{"key":"1"}');
    expect(await statusesOf([id])).toEqual(['exception']);
    await rowsOf(
      app.databaseUrl,
      `insert into profile (name, version, title, vendor, base, format, identify, expression, constants, created_by)
       select name, 2, title, vendor, base, format, identify, '{ "type": "source.heartbeat.v1", "id": key }', constants, created_by
         from profile where name = 'elsewhere'`,
    );
    await app.api().post(`/v1/events/${id}/replay`).expect(202);
    await shop.settle();
    expect(await statusesOf([id])).toEqual(['applied']);
  });
});

describe('a batch that is to be applied as a whole', () => {
  /** Three events, of which the second is about an item that there is not, and one behind them that is not of the batch. */
  async function parked() {
    const [first, missing] = [await newItem(), newName('missing')];
    const events = [received(first, 1), received(missing, 2), received(first, 4)];
    const ids = await wms.receive(events, { atomic: true });
    await wms.settle();
    const [behind] = await wms.send(received(first, 8));
    expect(await statusesOf([...ids, behind])).toEqual(['parked', 'parked', 'parked', 'parked']);
    return { first, missing, ids, all: [...ids, behind] };
  }
  const exceptionOf = async (id: string | undefined): Promise<string> => {
    const { body } = await app.api().get(`/v1/exceptions?status=open&eventId=${id}`).expect(200);
    expect(body.data).toHaveLength(1);
    return body.data[0].id;
  };

  it('is applied as a whole once what was missing has appeared, and then what waited behind it', async () => {
    const { first, missing, all } = await parked();
    await app.given.item({ sku: missing });
    await look();
    expect(await statusesOf(all)).toEqual(['applied', 'applied', 'applied', 'applied']);
    expect(await positionOf(app, missing, 'A')).toMatchObject({ onHand: 2 });
    expect(await positionOf(app, first, 'A')).toMatchObject({ onHand: 13, version: 3 });
    expect((await wms.exceptions()).filter((each) => each.includes(first))).toEqual([]);
  });

  it('stays parked as a whole while one of it is, also when another is retried or replayed', async () => {
    const { missing, ids, all } = await parked();
    await app
      .api()
      .post(`/v1/exceptions/${await exceptionOf(ids[0])}/retry`)
      .expect(202);
    await wms.settle();
    await app.api().post(`/v1/events/${ids[2]}/replay`).expect(202);
    await wms.settle();
    expect(await statusesOf(all)).toEqual(['parked', 'parked', 'parked', 'parked']);
    expect(await Promise.all(ids.map(attemptsOf))).toEqual([3, 3, 3]);
    expect(await wms.exceptions()).toContain(`unknown_item ${missing} A`);
  });

  it('is applied as a whole when one of it is retried with a corrected payload', async () => {
    const { first, ids, all } = await parked();
    const payload = { specversion: '1.0', id: 'corrected', ...received(first, 16) };
    await app
      .api()
      .post(`/v1/exceptions/${await exceptionOf(ids[1])}/retry`, { payload })
      .expect(202);
    await wms.settle();
    expect(await statusesOf(all)).toEqual(['applied', 'applied', 'applied', 'applied']);
    expect(await positionOf(app, first, 'A')).toMatchObject({ onHand: 29 });
  });

  it.each(['discard', 'resolve'])('is all the rest once a person has given one of it up: %s', async (action) => {
    const { first, ids, all } = await parked();
    const exception = await exceptionOf(ids[1]);
    await app.api().post(`/v1/exceptions/${exception}/${action}`, { note: 'No such item.' }).expect(200);
    await wms.settle();
    expect(await statusesOf(all)).toEqual(['applied', 'exception', 'applied', 'applied']);
    expect(await positionOf(app, first, 'A')).toMatchObject({ onHand: 13 });
  });

  it('goes on as a whole when what is parked before it is settled', async () => {
    const [sku, other, missing] = [await newItem(), await newItem(), newName('missing')];
    const [before] = await wms.send({
      type: 'stock.transferred.v1',
      data: { sku, from: 'A', to: missing, quantity: 1 },
    });
    const ids = await wms.receive([received(other, 2), received(sku, 3)], { atomic: true });
    await wms.settle();
    expect(await statusesOf([before, ...ids])).toEqual(['parked', 'parked', 'parked']);
    await app.given.location({ code: missing });
    await look();
    expect(await statusesOf([before, ...ids])).toEqual(['applied', 'applied', 'applied']);
    expect(await positionOf(app, other, 'A')).toMatchObject({ onHand: 2 });
  });

  it('is one also where it is larger than a command usually is', async () => {
    const [sku, missing] = [await newItem(), newName('missing')];
    const events = Array.from({ length: 200 }, (_, i) => received(i === 150 ? missing : sku, 1));
    const ids = await wms.receive(events, { atomic: true });
    await wms.settle();
    expect(new Set(await statusesOf(ids))).toEqual(new Set(['parked']));
    await app.given.item({ sku: missing });
    await look();
    expect(new Set(await statusesOf(ids))).toEqual(new Set(['applied']));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 199 });
  });

  it('is parked as a whole where the database refuses one of it, and its neighbours are not', async () => {
    const [sku, bad] = [await newItem(), newName('bad')];
    await rowsOf(
      app.databaseUrl,
      `create function refuse() returns trigger language plpgsql as
         $$ begin raise exception 'refused by a trigger' using errcode = '22000'; end $$;
       create trigger refuse before insert on movement for each row when (new.event_id = '${bad}') execute function refuse()`,
    );
    const before = await wms.receive([received(sku, 1)]);
    const ids = await wms.receive([received(sku, 2), { ...received(sku, 4), id: bad }], { atomic: true });
    const [behind] = await wms.receive([received(await newItem(), 8)]);
    await wms.settle();
    expect(await statusesOf([...before, ...ids, behind])).toEqual(['applied', 'parked', 'parked', 'applied']);
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 1 });
    await rowsOf(app.databaseUrl, 'drop trigger refuse on movement; drop function refuse()');
    await app.api().post(`/v1/events/${ids[0]}/replay`).expect(202);
    await wms.settle();
    expect(await statusesOf(ids)).toEqual(['applied', 'applied']);
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 7 });
  });
});

describe('an event that says something of items and of stock', () => {
  let erp: Feed;
  beforeAll(async () => {
    const expression = { title: 'As they are', format: 'json', expression: 'events' };
    await app.api().put('/v1/profiles/as-they-are', expression).expect(201);
    await rowsOf(app.databaseUrl, 'delete from source_ownership returning 1');
    erp = await Feed.of(app, 'erp', { profile: 'as-they-are' });
  });
  afterAll(() => rowsOf(app.databaseUrl, 'update source_ownership set source_id = $1 returning 1', [wms.id]));
  const both = (changed: string, stocked: string) =>
    JSON.stringify({
      events: [
        { specversion: '1.0', type: 'item.updated.v1', data: { sku: changed, name: 'As the ERP calls it' } },
        { specversion: '1.0', ...received(stocked, 3) },
      ],
    });
  const ofEvent = async (id: string | undefined) => {
    const { body } = await app.api().get(`/v1/exceptions?eventId=${id}`).expect(200);
    return body.data as { id: string; kind: string; sku: string; status: string; row: { type: string } | null }[];
  };

  it('tells what was refused of the item, and applies that once it can be', async () => {
    const [stocked, changed] = [await newItem(), newName('changed')];
    const [id] = await erp.send(both(changed, stocked));
    expect(await statusesOf([id])).toEqual(['applied']);
    expect(await positionOf(app, stocked, 'A')).toMatchObject({ onHand: 3 });
    const open = await ofEvent(id);
    expect(open).toMatchObject([
      { kind: 'unknown_item', sku: changed, status: 'open', row: { type: 'item.updated.v1' } },
    ]);
    await app.given.item({ sku: changed });
    await look(erp);
    expect((await app.api().get(`/v1/items/${changed}`)).body.name).toBe('As the ERP calls it');
    expect(await ofEvent(id)).toMatchObject([{ id: open[0]?.id, status: 'resolved' }]);
    expect(await positionOf(app, stocked, 'A')).toMatchObject({ onHand: 3 });
  });

  it('takes the item in a corrected form, or says anew what is wrong', async () => {
    const changed = newName('changed');
    const [id] = await erp.send(both(changed, await newItem()));
    const [exception] = await ofEvent(id);
    const retry = async (data: object) => {
      const payload = { specversion: '1.0', id: '1', type: 'item.updated.v1', data };
      await app.api().post(`/v1/exceptions/${exception?.id}/retry`, { payload }).expect(202);
      await erp.settle();
    };
    await retry({ sku: `${changed}-2`, name: 'Still without a unit' });
    expect(await ofEvent(id)).toMatchObject([{ status: 'open', sku: `${changed}-2` }]);
    await retry({ sku: changed, name: 'With a unit', baseUom: 'EA' });
    expect(await ofEvent(id)).toMatchObject([{ status: 'resolved' }]);
    expect((await app.api().get(`/v1/items/${changed}`)).body.name).toBe('With a unit');
  });

  it('tells it once, however often the rest is tried', async () => {
    const [stocked, changed] = [newName('stocked'), newName('changed')];
    const [id] = await erp.send(both(changed, stocked));
    const again = async () => {
      await app.api().post(`/v1/events/${id}/replay`).expect(202);
      await erp.settle();
      return (await ofEvent(id)).map(({ sku, status }) => `${sku} ${status}`).sort();
    };
    expect(await again()).toEqual([`${changed} open`, `${stocked} open`]);
    const exception = (await ofEvent(id)).find(({ sku }) => sku === changed);
    await app.api().post(`/v1/exceptions/${exception?.id}/discard`, { note: 'Not sold any more.' }).expect(200);
    expect(await again()).toEqual([`${changed} discarded`, `${stocked} open`]);
  });
});

describe('a day of the inbox', () => {
  it('is kept while a row of an event that was applied waits, which is applied from it', async () => {
    app.clock.advance(DAY_MS);
    const [good, missing] = [await newItem(), newName('row')];
    const rows = [good, missing].map((sku) => ({ sku, location: 'A', quantity: 7 }));
    const [id] = await wms.send({ type: 'stock.snapshot.v1', data: { rows } });
    expect(await statusesOf([id])).toEqual(['applied']);
    app.clock.advance(91 * DAY_MS);
    const days = app.app.get(InboxDaysWorker, { strict: false });
    await days.look();
    await app.given.item({ sku: missing });
    await look();
    expect(await positionOf(app, missing, 'A')).toMatchObject({ onHand: 7 });
    await days.look();
    expect(await statusesOf([id])).toEqual([undefined]);
  });
});
