import { eventChanges } from '../../contract/event-changes.js';
import { EVENT_SCHEMAS } from '../../src/ingestion/event-schemas.js';

// biome-ignore lint/suspicious/noExplicitAny: schemas to be spoilt
type Schemas = any;
const RECEIVED = 'stock.received.v1';
const ADJUSTED = 'stock.adjusted.v1';

function changed(change: (schemas: Schemas) => void): { breaks: string[]; news: string[] } {
  const schemas: Schemas = JSON.parse(JSON.stringify(EVENT_SCHEMAS));
  change(schemas);
  const changes = eventChanges(EVENT_SCHEMAS, schemas);
  return {
    breaks: changes.filter(({ breaks }) => breaks).map(({ sentence }) => sentence),
    news: changes.filter(({ breaks }) => !breaks).map(({ sentence }) => sentence),
  };
}

const dataOf = (schemas: Schemas, type = RECEIVED) => schemas[type].properties.data;
const breaking = (type: string, what: string) => `Sources that send ${type} as they do today break: ${what}.`;

describe('a change of an event breaks its sources', () => {
  it.each<[string, (schemas: Schemas) => void, string]>([
    [
      'a member is needed',
      (all) => dataOf(all).required.push('lot'),
      breaking(RECEIVED, '`/data/lot` is now required'),
    ],
    ['a type is gone', (all) => delete all[RECEIVED], breaking(RECEIVED, 'it is taken no more')],
    [
      'a member is gone',
      (all) => delete dataOf(all).properties.lot,
      breaking(RECEIVED, '`/data/lot` is no longer read'),
    ],
    [
      'null is taken no more',
      (all) => {
        dataOf(all).properties.lot.type = 'string';
      },
      breaking(RECEIVED, '`/data/lot` may no longer be null'),
    ],
    [
      'a number must be whole',
      (all) => {
        dataOf(all).properties.quantity.type = 'integer';
      },
      breaking(RECEIVED, '`/data/quantity` may no longer be number'),
    ],
    [
      'a text must be shorter',
      (all) => {
        dataOf(all).properties.lot.maxLength = 20;
      },
      breaking(RECEIVED, '`/data/lot` has a maxLength of 20'),
    ],
    [
      'a list must not be empty',
      (all) => {
        dataOf(all, 'stock.snapshot.v1').properties.rows.minItems = 1;
      },
      breaking('stock.snapshot.v1', '`/data/rows` has a minItems of 1'),
    ],
    [
      'a line needs more',
      (all) => dataOf(all, 'shipment.confirmed.v1').properties.lines.items.required.push('uom'),
      breaking('shipment.confirmed.v1', '`/data/lines/*/uom` is now required'),
    ],
    [
      'a value is taken no more',
      (all) => dataOf(all).properties.condition.enum.shift(),
      breaking(RECEIVED, '`/data/condition` may no longer be "sellable"'),
    ],
    [
      'a text must look otherwise',
      (all) => {
        dataOf(all).properties.sku.pattern = '^[A-Z]+$';
      },
      breaking(RECEIVED, '`/data/sku` has another pattern'),
    ],
    [
      'an alternative is gone',
      (all) => dataOf(all).allOf[0].anyOf.pop(),
      breaking(RECEIVED, '`/data` must meet another condition'),
    ],
    [
      'an alternative asks for more',
      (all) => {
        dataOf(all).allOf[0].anyOf[0].properties.lot = { type: 'null' };
      },
      breaking(RECEIVED, '`/data` must meet another condition'),
    ],
    [
      'one more condition holds',
      (all) => dataOf(all, ADJUSTED).allOf.push({ required: ['reason'] }),
      breaking(ADJUSTED, '`/data` must meet another condition'),
    ],
    [
      'a schema moves',
      (all) => {
        all[RECEIVED].$id = '/schemas/received.json';
      },
      breaking(RECEIVED, 'its schema is no longer at /schemas/stock.received.v1.json'),
    ],
    [
      'a keyword comes that nobody can judge',
      (all) => {
        dataOf(all).additionalProperties = false;
      },
      breaking(RECEIVED, '`/data` has another additionalProperties'),
    ],
  ])('where %s', (_, change, sentence) => {
    expect(changed(change).breaks).toEqual([sentence]);
  });
});

describe('a change of an event breaks nobody', () => {
  it.each<[string, (schemas: Schemas) => void, string[]]>([
    ['nothing changes', () => {}, []],
    [
      'it may have one more member',
      (all) => {
        dataOf(all).properties.carrier = { type: ['string', 'null'] };
      },
      [`${RECEIVED}: it may have \`/data/carrier\`.`],
    ],
    [
      'a line may have one more',
      (all) => {
        dataOf(all, 'shipment.confirmed.v1').properties.lines.items.properties.lot = { type: 'string' };
      },
      ['shipment.confirmed.v1: it may have `/data/lines/*/lot`.'],
    ],
    [
      'there is a new type',
      (all) => {
        all['stock.lost.v1'] = { title: 'Stock is lost' };
      },
      ['stock.lost.v1: a new event: Stock is lost.'],
    ],
    [
      'more is taken',
      (all) => {
        const { properties, allOf } = dataOf(all);
        properties.lot.maxLength = 500;
        properties.condition.enum.push('lost');
        properties.uom.type.push('integer');
        delete properties.sku.pattern;
        allOf[0].anyOf.push({ required: ['epc'] });
        dataOf(all).required.pop();
      },
      [],
    ],
    [
      'it is described otherwise',
      (all) => {
        all[RECEIVED].description = 'Better.';
      },
      [],
    ],
  ])('where %s', (_, change, news) => {
    expect(changed(change)).toEqual({ breaks: [], news });
  });
});
