// The samples that vendors have published, beside the project and not part of it: without them there is nothing to do here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { documentEvents, identify } from '../../src/ingestion/profiles.js';
import { until } from '../engine/crowd.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { type Given, mapped, refused, type Said, shipped } from './mapped.js';

// The tests run in a clone that may lie anywhere: HOLDFAST_SAMPLES names the folder where it is not beside it.
const FOLDER = process.env.HOLDFAST_SAMPLES ?? fileURLToPath(new URL('../../../shared/data/payloads', import.meta.url));
const sample = (file: string) => readFileSync(`${FOLDER}/${file}`, 'utf8');

const gtin = (value: string) => ({ identifier: { type: 'gtin', value } });
const theirs = (value: string) => ({ identifier: { type: 'partner', value, party: 'acme' } });
const shipping = 'ni:///sha-256;df7bb3c352fef055578554f09f5e2aa41782150ced7bd0b8af24dd3ccb30ba69?ver=CBV2.0';
const receiving = 'ni:///sha-256;00e1e6eba3a7cc6125be4793a631f0af50f8322e0ab5f2c0bab994a11cec1d79?ver=CBV2.0';
const observed = [
  {
    id: shipping,
    type: 'shipment.confirmed.v1',
    time: '2005-04-04T02:33:31.116Z',
    data: {
      orderRef: '12345678',
      shipmentRef: shipping,
      location: '0614141073467',
      lines: [{ ...gtin('10614141073464'), quantity: 2 }],
    },
  },
  {
    id: receiving,
    type: 'stock.received.v1',
    time: '2005-04-05T02:33:31.116Z',
    data: {
      ...gtin('10614141073464'),
      quantity: 1,
      location: '0012345111112',
      reference: '1152',
      condition: 'sellable',
    },
  },
];
const level = (item: string, location: string, quantity: number) => ({
  type: 'stock.counted.v1',
  time: '2018-05-07T19:33:38.000Z',
  data: { ...theirs(item), location, quantity, basis: 'available' },
});
const change = (reference: string) => ({
  type: 'stock.adjusted.v1',
  data: { sku: 'T-shirt', location: '1/11', quantity: 1, reference, condition: 'sellable' },
});
const asn = (value: string, quantity: number) => ({
  type: 'supply.expected.v1',
  time: '2011-12-06T14:24:28.000Z',
  data: { ...gtin(value), quantity, uom: 'EA', location: 'here', kind: 'asn', reference: '829716' },
});

/** Each file that a profile claims: with what it becomes, or why it is refused. */
const SAMPLES: readonly [file: string, profile: string, expected: Said[] | RegExp, given?: Given][] = [
  [
    'shopify/inventory_levels.json',
    'shopify',
    [
      level('39072856', '487838322', 27),
      level('808950810', '905684977', 1),
      level('808950810', '487838322', 9),
      level('39072856', '905684977', 3),
    ],
  ],
  // Pending, and failed: nothing has left the house.
  ['shopify/fulfillment.json', 'shopify', []],
  ['shopify/order_with_fulfillment.json', 'shopify', []],
  [
    'amazon-sp-api/vendor_direct_fulfillment_inventory_update.json',
    'amazon-vendor',
    [
      {
        type: 'stock.snapshot.v1',
        data: {
          complete: false,
          locations: ['WH-7'],
          basis: 'available',
          rows: [
            { sku: '7Q89K11', quantity: 10, uom: 'EA', location: 'WH-7' },
            { sku: '7Q89K12', quantity: 15, uom: 'EA', location: 'WH-7' },
            { sku: '7Q89K13', quantity: 20, uom: 'EA', location: 'WH-7' },
          ],
        },
      },
    ],
    { headers: { 'x-warehouse-id': 'WH-7' } },
  ],
  [
    'amazon-sp-api/vendor_direct_fulfillment_inventory_update.json',
    'amazon-vendor',
    /^The payload names no location\./,
  ],
  ['amazon-sp-api/fba_inventory_availability_changes.payload.json', 'amazon-vendor', /^This is no inventory update/],
  ['microsoft-d365-inventory-visibility/onhand_change_event.json', 'dynamics365', [change('Test201')]],
  ['microsoft-d365-inventory-visibility/onhand_change_event_base_dimensions.json', 'dynamics365', [change('Test202')]],
  [
    'microsoft-d365-inventory-visibility/onhand_change_bulk.malformed.json',
    'dynamics365',
    /^The payload is not JSON: /,
  ],
  ['gs1-epcis/objectevent_shipping_receiving.json', 'epcis', observed],
  ['gs1-epcis/query_document_subscription.json', 'epcis', observed],
  [
    'gs1-epcis/objectevent_receiving_quantitylist.json',
    'epcis',
    [
      {
        id: 'ni:///sha-256;a98f08ae6ac4de3482054314d637c07010b448d3802dccb028a06aafcc6a4b10?ver=CBV2.0',
        type: 'stock.received.v1',
        time: '2013-06-08T14:58:56.591Z',
        data: {
          ...gtin('04012345123456'),
          quantity: 200,
          uom: 'KGM',
          lot: '998877',
          location: '0614141008889',
          condition: 'sellable',
        },
      },
    ],
  ],
  ['gs1-epcis/aggregationevent_receiving.json', 'epcis', []],
  [
    'gs1-epcis/transactionevent_shipping_all_fields.json',
    'epcis',
    /declared wrong \(incorrect_data\).*reverse it by hand/,
  ],
  [
    'gs1-epcis/objectevent_error_declaration.json',
    'epcis',
    /;aa49daa1.* is declared wrong .* corrected by .*, urn:uuid:f81d4fae/,
  ],
  // None of its quantities is what is on hand or available; who knows what a partner means by 34 can say so.
  ['x12/846_inventory_advice_1.edi', 'x12', /on hand \(17\) or available \(33\); its quantities are 34, QH, QB, 87\.$/],
  [
    'x12/846_inventory_advice_1.edi',
    'x12',
    [
      {
        type: 'stock.snapshot.v1',
        time: '2004-08-11T00:14:00.000Z',
        data: {
          complete: false,
          basis: 'on_hand',
          rows: [{ sku: '46L5055', quantity: 5250, uom: 'EA', location: 'SAN003' }],
        },
      },
    ],
    { constants: { onHandCodes: ['34'] } },
  ],
  [
    'x12/846_inventory_advice_2.edi',
    'x12',
    /REF, segment 13 of transaction set 0008505, has 5 elements .* terminator is missing/,
  ],
  ['x12/856_ship_notice_1.edi', 'x12', /^The interchange is broken: .*GE01 \(2\).*Nothing of it was taken\.$/],
  [
    'x12/856_ship_notice_2.edi',
    'x12',
    [asn('999999310145', 24), asn('999999311746', 6)],
    { constants: { location: 'here' } },
  ],
  [
    'x12/856_ship_notice_2.edi',
    'x12-outbound',
    [
      {
        type: 'shipment.confirmed.v1',
        time: '2011-12-06T14:24:28.000Z',
        data: {
          orderRef: '99999817',
          shipmentRef: '829716',
          location: 'solon',
          lines: [
            { sku: '87787D', quantity: 24, uom: 'EA' },
            { sku: '99887D', quantity: 6, uom: 'EA' },
          ],
        },
      },
    ],
    { constants: { location: 'solon' } },
  ],
  ['x12/850_purchase_orders.edi', 'x12', /marked as a test/],
  [
    'x12/850_purchase_orders.edi',
    'x12',
    /transaction set 850 says nothing of stock/,
    { constants: { acceptTests: true } },
  ],
  ['x12/940_warehouse_shipping_order.edi', 'x12', /GE02 \(940001777\).*GS06 \(177818711\)/],
  ['edifact/orders_d96a.edi', 'edifact', /marked as a test/],
  ['edifact/orders_d96a.edi', 'edifact', /message ORDERS says nothing of stock/, { constants: { acceptTests: true } }],
  ['edifact/iftmin_d96a_eancom.edi', 'edifact', /message IFTMIN says nothing of stock/],
];

const describeWhere = existsSync(FOLDER) ? describe : describe.skip;

describeWhere('A published sample', () => {
  test.each(SAMPLES)('%s becomes by %s what it says: %j', async (file, profile, expected, given = {}) => {
    if (expected instanceof RegExp) expect(await refused(profile, sample(file), given)).toMatch(expected);
    else expect(await mapped(profile, sample(file), given)).toEqual(expected);
  });

  test('of ERPNext books by which warehouse is filled', async () => {
    const entries = JSON.parse(sample('erpnext/stock_entry.json'));
    const constants = { locations: { '_Test Warehouse - _TC': 'main', '_Test Warehouse 1 - _TC': 'second' } };
    const said = [];
    for (const entry of entries) said.push(...(await mapped('erpnext', entry, { constants })));
    const item = (sku: string, quantity: number) => ({ sku, quantity });
    expect(said).toEqual([
      { type: 'stock.received.v1', data: { ...item('_Test Item', 50), location: 'main', condition: 'sellable' } },
      {
        type: 'stock.adjusted.v1',
        data: { ...item('_Test Item', -40), location: 'main', condition: 'sellable', reason: 'issue' },
      },
      { type: 'stock.transferred.v1', data: { ...item('_Test Item', 45), from: 'main', to: 'second' } },
      {
        type: 'stock.adjusted.v1',
        data: { ...item('_Test Item', -50), location: 'main', condition: 'sellable', reason: 'issue' },
      },
      {
        type: 'stock.received.v1',
        data: { ...item('_Test Item Home Desktop 100', 1), location: 'main', condition: 'sellable' },
      },
    ]);
  });

  test('that comes in two documents is known by the same ids', () => {
    const epcis = shipped('epcis');
    const ids = (file: string) => documentEvents(epcis, sample(file))?.map((event) => identify(epcis, event, {}));
    expect(ids('gs1-epcis/query_document_subscription.json')).toEqual([shipping, receiving]);
    expect(ids('gs1-epcis/objectevent_shipping_receiving.json')).toEqual([shipping, receiving]);
  });

  test('of EDI is known by sender, receiver and control number', () => {
    const id = (profile: string, file: string) => identify(shipped(profile), sample(file), {});
    expect(id('x12', 'x12/846_inventory_advice_1.edi')).toBe('322341109/SANMINACORP/000001979');
    expect(id('x12', 'x12/846_inventory_advice_2.edi')).toBe('999999999/XXXXXXXXXXXX/000001979');
    expect(id('edifact', 'edifact/orders_d96a.edi')).toBe('SENDER1/RECEIVER1/131');
  });

  test('is not passed over: each file of a vendor that a profile is for stands above', () => {
    // Of odoo and commercetools there is no profile.
    const claimed = [
      'shopify',
      'amazon-sp-api',
      'microsoft-d365-inventory-visibility',
      'erpnext',
      'gs1-epcis',
      'x12',
      'edifact',
    ];
    const files = claimed.flatMap((folder) => readdirSync(`${FOLDER}/${folder}`).map((file) => `${folder}/${file}`));
    // A spreadsheet with a column a location is none of the profiles' formats.
    const known = new Set([...SAMPLES.map(([file]) => file), 'erpnext/stock_entry.json', 'shopify/inventory_feed.csv']);
    expect(files.filter((file) => !known.has(file))).toEqual([]);
  });
});

const REFUSED = SAMPLES.flatMap(([file, profile, expected, given = {}]) =>
  expected instanceof RegExp ? [{ file, profile, expected, given }] : [],
);
/** What the refused ones speak of, so that nothing but the refusal keeps a part of them from being booked. */
const ITEMS = '38490-B 38499-B 38496-B 38502-B 35933 46L5055 T-shirt 7Q89K11 7Q89K12 7Q89K13'.split(' ');
const GTINS = ['00008815509183', '00008815547321', '10614141073464'];

describeWhere('A published sample that is refused', () => {
  let test: TestApp;
  let sources = 0;

  /** Sends it as its vendor would, to a source that owns a location of its own. Answers the events that it became, as they ended. */
  const send = async (file: string, base: string, { constants, headers = {} }: Given) => {
    const code = `sample-${++sources}`;
    const ours = base === 'amazon-vendor' ? {} : { location: code };
    const locations = Object.fromEntries(
      ['1/11', 'Site1/11', 'SAN003', '0614141073467', '0012345111112'].map((id) => [id, code]),
    );
    const profile = { title: file, base, constants: { ...ours, locations, ...constants } };
    await test.api().put(`/v1/profiles/${code}`, profile).expect(201);
    await test.given.location({ code });
    const owns = [{ location: code, facts: ['on_hand', 'supply', 'orders'] }];
    const source = {
      name: file,
      kind: 'edi',
      profile: code,
      signature: { scheme: 'static_header', header: 'x-feed' },
      owns,
    };
    const { secret } = (await test.api().put(`/v1/sources/${code}`, source).expect(201)).body;
    const type = file.endsWith('.json') ? 'application/json' : 'application/edi-x12';
    const request = test.http.post(`/v1/ingest/${code}`).set(headers).set('x-feed', secret).set('Content-Type', type);
    const { body } = await request
      .serialize((text: unknown) => text as string)
      .send(sample(file))
      .expect(202);
    const ended = [];
    for (const { id } of body.events as { id: string }[]) {
      const event = async () => (await test.api().get(`/v1/events/${id}`).expect(200)).body;
      await until(`${file} is settled`, async () => (await event()).status !== 'received');
      ended.push(await event());
    }
    return ended;
  };

  beforeAll(async () => {
    test = await startApp();
    for (const sku of ITEMS) {
      const isCloth = /^3/.test(sku);
      await test.given.item({ sku, ...(isCloth ? { baseUom: 'FOT', fractionDigits: 2 } : {}) });
    }
    for (const value of GTINS) await test.given.item({ sku: value, identifiers: [{ type: 'gtin', value }] });
  });
  afterAll(() => test?.close());

  it.each(REFUSED)('$file by $profile ends as one readable exception, and none of it is booked', async (refusal) => {
    const { file, profile, expected, given } = refusal;
    const events = await send(file, profile, given);
    const excepted = events.filter(({ status }) => status === 'exception');
    expect(excepted).toMatchObject([
      { problem: { code: 'mapping_failed' }, exceptions: [{ kind: 'mapping_failed', status: 'open' }], movements: [] },
    ]);
    expect(excepted[0].problem.detail).toMatch(expected);
    // The events of a document of EPCIS stand each for itself.
    const others = events.filter((event) => !excepted.includes(event));
    for (const { status } of others) expect(status).toBe('applied');
    const moved = await rowsOf(
      test.databaseUrl,
      'select from movement m join location l on l.id = m.location_id where l.code = $1',
      [events[0].source],
    );
    expect(moved).toHaveLength(others.flatMap(({ movements }) => movements).length);
    const { body } = await test.api().get(`/v1/exceptions/${excepted[0].exceptions[0].id}`).expect(200);
    expect(body.detail).toMatch(expected);
  });

  it('would be booked in this way if it were sound', async () => {
    const given = { constants: { onHandCodes: ['34'] } };
    const [event] = await send('x12/846_inventory_advice_1.edi', 'x12', given);
    expect(event).toMatchObject({
      status: 'applied',
      movements: [{ sku: '46L5055', onHandDelta: 5250 }],
    });
  });
});
