import { documentEvents, identify } from '../../src/ingestion/profiles.js';
import { mapped, refused, shipped } from './mapped.js';

const given = { constants: { location: 'east' } };

describe('Shopify', () => {
  const level = {
    inventory_item_id: 39072856,
    location_id: 77,
    available: 27,
    updated_at: '2026-03-01T09:30:00+01:00',
  };
  const fulfilment = {
    ...{ id: 255858046, order_id: 450789469, status: 'success', location_id: 77, updated_at: '2026-03-01T08:30:00Z' },
    line_items: [
      { id: 1, sku: 'LAMP', variant_id: 5, quantity: 2 },
      { id: 2, sku: '', variant_id: 6, quantity: 1 },
    ],
  };

  test('a level is what is to be had, of an item under their number unless constants know it', async () => {
    const constants = { items: { '39072856': 'CABLE/2M' }, locations: { '77': 'east' } };
    expect(await mapped('shopify', level, { constants })).toEqual([
      {
        type: 'stock.counted.v1',
        time: '2026-03-01T08:30:00.000Z',
        data: { sku: 'CABLE/2M', location: 'east', quantity: 27, basis: 'available' },
      },
    ]);
    const text = JSON.stringify(level).replace('39072856', '271878346596884015');
    const [event] = await mapped('shopify', text);
    expect(event?.data).toMatchObject({
      identifier: { type: 'partner', value: '271878346596884015', party: 'acme' },
      location: '77',
    });
  });

  test('a level of what is not tracked says nothing', async () => {
    expect(await mapped('shopify', { ...level, available: null })).toEqual([]);
  });

  test('a fulfilment ships once it succeeded', async () => {
    expect(await mapped('shopify', fulfilment)).toMatchObject([
      {
        type: 'shipment.confirmed.v1',
        data: {
          ...{ orderRef: '450789469', shipmentRef: '255858046', location: '77' },
          lines: [
            { sku: 'LAMP', quantity: 2 },
            { identifier: { type: 'partner', value: '6', party: 'acme' }, quantity: 1 },
          ],
        },
      },
    ]);
    for (const status of ['pending', 'open', 'failure', 'error']) {
      expect(await mapped('shopify', { ...fulfilment, status })).toEqual([]);
    }
  });

  test('a cancelled fulfilment takes its shipment back', async () => {
    expect(await mapped('shopify', { fulfillment: { ...fulfilment, status: 'cancelled' } })).toMatchObject([
      { type: 'shipment.cancelled.v1', data: { orderRef: '450789469', shipmentRef: '255858046' } },
    ]);
  });

  test('an order ships what its fulfilments say, not what was ordered', async () => {
    const order = { id: 1, line_items: [{ sku: 'LAMP', quantity: 99 }], fulfillments: [fulfilment] };
    const said = await mapped('shopify', { order });
    expect(said).toHaveLength(1);
    expect(JSON.stringify(said)).not.toContain('99');
  });

  test('what is neither is refused', async () => {
    expect(await refused('shopify', { id: 1, title: 'A product' })).toMatch(
      /neither an inventory level nor a fulfilment/,
    );
  });
});

describe('ShipHero', () => {
  const inventory = {
    ...{ sku: 'LAMP', inventory: '80', on_hand: '120', backorder_quantity: '0', sell_ahead: 0, non_sellable: 2 },
    updated_warehouse: { warehouse_id: 'V2FyZWhvdXNlOjE=', identifier: 'Primary', inventory: '40', on_hand: '50' },
  };

  test('an inventory update counts the warehouse, not the account', async () => {
    const constants = { locations: { 'V2FyZWhvdXNlOjE=': 'east' } };
    const payload = { account_id: 1, webhook_type: 'Inventory Update', inventory: [inventory] };
    expect(await mapped('shiphero', payload, { constants })).toEqual([
      { type: 'stock.counted.v1', data: { sku: 'LAMP', location: 'east', quantity: 50, basis: 'on_hand' } },
    ]);
    const { updated_warehouse: _, ...account } = inventory;
    expect(await mapped('shiphero', { ...payload, inventory: [account] }, given)).toMatchObject([
      { data: { location: 'east', quantity: 120 } },
    ]);
  });

  const change = {
    ...{ webhook_type: 'Inventory Change', sku: 'LAMP', quantity: 12, old_quantity: 15, previous_on_hand: 50 },
    ...{ warehouse_id: 7, timestamp: '2026-03-01 08:30:00', reason: 'Cycle count' },
  };

  test('an inventory change is a difference, in the clock of its account', async () => {
    expect(await mapped('shiphero', change, { constants: { utcOffset: '-05:00' } })).toEqual([
      {
        type: 'stock.adjusted.v1',
        time: '2026-03-01T13:30:00.000Z',
        data: { sku: 'LAMP', location: '7', quantity: 12, reason: 'Cycle count', condition: 'sellable' },
      },
    ]);
  });

  test('an inventory change is the difference of the bin where that is how it is meant', async () => {
    const constants = { changeIsDelta: false };
    expect(await mapped('shiphero', change, { constants })).toMatchObject([{ data: { quantity: -3 } }]);
    expect(await mapped('shiphero', { ...change, quantity: 15 }, { constants })).toEqual([]);
  });

  test('a shipment ships', async () => {
    const line_items = [{ id: 1, sku: 'LAMP', quantity: 2 }];
    const payload = { fulfillment: { shipment_id: 9, warehouse_id: 7, order_number: 'SO-1', line_items } };
    expect(await mapped('shiphero', { webhook_type: 'Shipment Update', ...payload })).toEqual([
      {
        type: 'shipment.confirmed.v1',
        data: { orderRef: 'SO-1', shipmentRef: '9', location: '7', lines: [{ sku: 'LAMP', quantity: 2 }] },
      },
    ]);
  });
});

describe('Dynamics 365', () => {
  const event = (quantities: unknown) => ({
    ...{ id: 'E-1', organizationId: 'usmf', productId: 'SHIRT', dimensions: { SiteId: '1', LOCATIONID: '11' } },
    quantities,
  });

  test('takes the sign of a measure from its name, and dimensions in any case', async () => {
    const constants = { locations: { '1/11': 'east' } };
    const said = await mapped('dynamics365', event({ pos: { inbound: 5, outbound: 3 }, wms: { returned: 1 } }), {
      constants,
    });
    expect(said.map(({ data }) => data)).toMatchObject([
      { sku: 'SHIRT', location: 'east', quantity: 5, reference: 'E-1' },
      { quantity: -3 },
      { quantity: 1 },
    ]);
  });

  test('does not guess a sign, and leaves out what is nothing physical', async () => {
    expect(await refused('dynamics365', event({ pos: { ordered: 5 } }))).toMatch(/ordered neither adds nor takes away/);
    const constants = { measures: { ordered: 0, inbound: 1 } };
    expect(await mapped('dynamics365', event({ pos: { ordered: 5 } }), { constants })).toEqual([]);
  });
});

describe('ERPNext', () => {
  const entry = (row: object, more: object = {}) => ({
    ...{ doctype: 'Stock Entry', name: 'STE-1', posting_date: '2026-03-01', posting_time: '08:30:00', ...more },
    items: [{ item_code: 'LAMP', qty: 2, conversion_factor: 12, ...row }],
  });

  test('books by which warehouse is filled, in the stock unit', async () => {
    expect(await mapped('erpnext', entry({ t_warehouse: 'Stores - A' }))).toEqual([
      {
        type: 'stock.received.v1',
        time: '2026-03-01T08:30:00.000Z',
        data: { sku: 'LAMP', quantity: 24, location: 'Stores - A', reference: 'STE-1', condition: 'sellable' },
      },
    ]);
    expect(await mapped('erpnext', entry({ s_warehouse: 'A', t_warehouse: 'B', transfer_qty: 3 }))).toMatchObject([
      { type: 'stock.transferred.v1', data: { quantity: 3, from: 'A', to: 'B' } },
    ]);
  });

  test('refuses what it cannot book', async () => {
    expect(await refused('erpnext', entry({}))).toMatch(/neither a source nor a target warehouse/);
    expect(await refused('erpnext', entry({ t_warehouse: 'A' }, { docstatus: 2 }))).toMatch(/STE-1 was cancelled/);
    expect(await refused('erpnext', { doctype: 'Item' })).toMatch(/no stock entry of ERPNext, but Item/);
  });
});

describe('Amazon vendor', () => {
  const item = { vendorProductIdentifier: 'LAMP', availableQuantity: { amount: 10, unitOfMeasure: 'Each' } };

  test('a full update says that what it leaves out is no longer there', async () => {
    const [full] = await mapped('amazon-vendor', { inventory: { isFullUpdate: true, items: [item] } }, given);
    expect(full?.data).toMatchObject({
      complete: true,
      locations: ['east'],
      rows: [{ sku: 'LAMP', quantity: 10, uom: 'EA' }],
    });
    const [empty] = await mapped('amazon-vendor', { inventory: { isFullUpdate: true, items: [] } }, given);
    expect(empty?.data).toMatchObject({ complete: true, locations: ['east'], rows: [] });
  });
});

describe('EPCIS', () => {
  const event = (more: object) => ({
    ...{ type: 'ObjectEvent', eventID: 'urn:uuid:1', eventTime: '2026-03-01T08:30:00Z', action: 'OBSERVE' },
    ...{
      bizStep: 'https://ref.gs1.org/cbv/BizStep-shipping',
      readPoint: { id: 'https://id.gs1.org/414/4012345000016/254/1' },
    },
    ...more,
  });
  const link = 'https://id.gs1.org/01/04006381333931/10/L1';

  test('reads Digital Links and vocabulary of any form, and pieces of one kind as one line', async () => {
    const epcList = ['1', '2', '3'].map((serial) => `https://id.gs1.org/01/04006381333931/21/${serial}`);
    const bizTransactionList = [
      { type: 'urn:epcglobal:cbv:btt:desadv', bizTransaction: 'urn:epcglobal:cbv:bt:4012345000016:DN-1' },
    ];
    const quantityList = [{ epcClass: link, quantity: 2.5, uom: 'KGM' }];
    expect(await mapped('epcis', event({ epcList, quantityList, bizTransactionList }))).toMatchObject([
      {
        id: 'urn:uuid:1',
        data: {
          ...{ shipmentRef: 'DN-1', location: '4012345000016' },
          lines: [
            { identifier: { type: 'gtin', value: '04006381333931' }, quantity: 3 },
            { identifier: { type: 'gtin', value: '04006381333931' }, quantity: 2.5, uom: 'KGM' },
          ],
        },
      },
    ]);
  });

  test('books no observation, and no containers whose content it does not know', async () => {
    for (const bizStep of ['storing', 'packing', 'inspecting']) {
      expect(await mapped('epcis', event({ bizStep, epcList: [link] }))).toEqual([]);
    }
    expect(await refused('epcis', event({ epcList: ['urn:epc:id:sscc:0614141.1234567890'] }))).toMatch(
      /names containers/,
    );
    expect(await refused('epcis', { hello: 1 })).toMatch(/no event of EPCIS/);
  });

  test('a document is cut into its events, each known by its own id', () => {
    const document = { epcisBody: { eventList: [event({}), event({ eventID: 'urn:uuid:2' })] } };
    const epcis = shipped('epcis');
    const events = documentEvents(epcis, JSON.stringify(document));
    expect(events?.map((each) => identify(epcis, each, {}))).toEqual(['urn:uuid:1', 'urn:uuid:2']);
    expect(documentEvents(epcis, JSON.stringify(event({})))).toBeNull();
    expect(documentEvents(shipped('shopify'), JSON.stringify(document))).toBeNull();
  });
});

describe('The id of an event', () => {
  const shopify = shipped('shopify');
  const dynamics = shipped('dynamics365');
  const x12 = shipped('x12');
  const edifact = shipped('edifact');

  test.each([
    ['a header', identify(shopify, '{}', { 'x-shopify-webhook-id': ' W-1 ' }), 'W-1'],
    [
      'a header, of one event of many',
      identify(shopify, '{}', { 'x-shopify-webhook-id': 'W-1' }, { index: 2, of: 3 }),
      'W-1/2',
    ],
    ['no header', identify(shopify, '{"id":1}', {}), null],
    ['a member', identify(dynamics, '{"id":"E-1"}', {}), 'E-1'],
    ['a number beyond 2^53', identify(dynamics, '{"id":271878346596884015}', {}), '271878346596884015'],
    ['a member that is no id', identify(dynamics, '{"id":{}}', {}), null],
    ['a member too long to keep', identify(dynamics, JSON.stringify({ id: 'x'.repeat(256) }), {}), null],
    ['garbage', identify(dynamics, '{"id":', {}), null],
    ['an ISA cut short', identify(x12, 'ISA*00*', {}), null],
    ['a UNB', identify(edifact, "UNB+UNOC:3+A:14+B:14+260301:0830+42'UNH+1'", {}), 'A/B/42'],
    ['a UNB under a UNA', identify(edifact, 'UNA|^,!_#\nUNB^UNOC|3^A|14^B|14^260301|0830^42#', {}), 'A/B/42'],
    ['what is no interchange', identify(edifact, 'hello', {}), null],
  ])('of %s', (_, id, expected) => expect(id).toBe(expected));
});
