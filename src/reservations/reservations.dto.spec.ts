import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { PlaceReservation } from './reservations.dto.js';

/** What the validators say, as the pipe asks them. */
const isValid = (body: object): boolean =>
  validateSync(plainToInstance(PlaceReservation, body), { whitelist: true, forbidNonWhitelisted: true }).length === 0;

const odd = fc.oneof(
  fc.constantFrom(null, '', ' ', 0, -1, 1.5, 0.00001, 1e12, true, [], {}, 'x'.repeat(200), '\n'),
  fc.jsonValue(),
);
const among = (good: fc.Arbitrary<unknown>) => fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: odd });
const extra = fc.constantFrom('toString', 'constructor', 'valueOf', 'note', 'hasOwnProperty', '');

const line = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        sku: among(fc.constantFrom('A', 'FUR-1', 'Größe 4', 'x'.repeat(64))),
        quantity: among(fc.constantFrom(1, 3, 0.25, 99_999_999_999)),
        uom: among(fc.constantFrom('EA', 'XCS')),
        location: among(fc.constantFrom('east', 'w.1')),
        lineRef: among(fc.constantFrom('1', 'PO-1')),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: odd },
);
const known = fc.record(
  {
    channel: among(fc.constantFrom('web', 'edi-1')),
    orderRef: among(fc.constantFrom('SO-1', 'ü')),
    ttlSeconds: among(fc.constantFrom(1, 900, 31_536_000)),
    mode: among(fc.constantFrom('all_or_nothing', 'partial')),
    commit: among(fc.boolean()),
    lines: among(fc.array(line, { minLength: 1, maxLength: 3 })),
  },
  { requiredKeys: ['lines'] },
);
const body = fc.oneof(
  { weight: 8, arbitrary: known },
  { weight: 1, arbitrary: fc.tuple(known, extra, odd).map(([some, key, value]) => ({ ...some, [key]: value })) },
);

describe('a reservation that is plain', () => {
  it('is one that the validators take, whatever was sent', () => {
    let plain = 0;
    fc.assert(
      fc.property(body, (sent) => {
        if (!PlaceReservation.isPlain(sent)) return;
        plain += 1;
        expect(isValid(sent)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  it.each([
    ['the least there is', { lines: [{ sku: 'A', quantity: 1 }] }, true],
    [
      'everything there is',
      {
        channel: 'web',
        orderRef: 'SO-1',
        ttlSeconds: 60,
        mode: 'partial',
        commit: true,
        lines: [{ sku: 'A', quantity: 0.25, uom: 'KGM', location: 'east', lineRef: '1' }],
      },
      true,
    ],
    ['a field that is null, which the validators turn', { orderRef: null, lines: [{ sku: 'A', quantity: 1 }] }, false],
    ['a field named as a method of every object', { toString: 'x', lines: [{ sku: 'A', quantity: 1 }] }, false],
    ['no lines', {}, false],
    ['a list', [], false],
    ['nothing', undefined, false],
  ] as const)('is told at a glance: %s', (_, sent, plain) => {
    expect(PlaceReservation.isPlain(sent)).toBe(plain);
  });
});
