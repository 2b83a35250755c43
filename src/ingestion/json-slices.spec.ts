import fc from 'fast-check';
import { eventOf, eventsIn, loneEvent } from './arriving-event.js';
import { eventSlices } from './event-slices.js';
import type { Delivery } from './inbox-event.js';
import { jsonSlices, TooManySlices } from './json-slices.js';

const slices = (text: string, most = 10_000) => jsonSlices(Buffer.from(text), most)?.map(String);

describe('a body of JSON', () => {
  it.each<[string, string, string[] | undefined]>([
    ['of one object is one event', ' {"id": 1} ', ['{"id": 1}']],
    ['of a list is an event an entry', '[{"a":[1,{}]}, 2 ,\n"x"]', ['{"a":[1,{}]}', '2', '"x"']],
    ['of an empty list has none', ' [ ] ', []],
    ['of nothing has none', ' \n', []],
    ['of lines is an event a line', '{"a":1}\n{"b":2}\r\n\n{"c":3}\n', ['{"a":1}', '{"b":2}', '{"c":3}']],
    ['of lines that are lists keeps them', '[1]\n[2]', ['[1]', '[2]']],
    ['keeps what stands in strings', '[{"a":"]},\\"{["},"\\\\"]', ['{"a":"]},\\"{["}', '"\\\\"']],
    ['keeps numbers as they are written', '[{"id":9007199254740993,"q":1.10}]', ['{"id":9007199254740993,"q":1.10}']],
    ['with nothing between commas has an event of no bytes', '[1,,2]', ['1', '', '2']],
    ['with a comma at its end has one more of no bytes', '[1,]', ['1', '']],
    ['may begin with a byte order mark', '\ufeff[1]', ['1']],
    ['that breaks off has no end', '[{"a":1},{"b":', undefined],
    ['with a string that never ends has no end', '{"a":"b}', undefined],
    ['of lines of which one breaks off keeps the others', '{"a":1}\n{"b":\n{"c":3}\n', ['{"a":1}', '{"b":', '{"c":3}']],
    ['of one object over lines that breaks off has no end', '{\n"a":1,\n', undefined],
    ['of a list over lines that breaks off has no end', '[{"a":1},\n{"b":2}', undefined],
    [
      'of lines among which one is no JSON keeps that line whole',
      '{"a":1}\nso it is \r\n2',
      ['{"a":1}', 'so it is', '2'],
    ],
  ])('%s', (_, text, expected) => {
    expect(slices(text)).toEqual(expected);
  });

  it('of more events than are taken is refused before they are all cut', () => {
    expect(() => slices('[1,2,3]', 2)).toThrow(TooManySlices);
    expect(() => slices('1\n2\n3', 2)).toThrow(TooManySlices);
    expect(slices('[1,2,3]', 3)).toHaveLength(3);
  });

  it('is cut where JSON.parse would cut it, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.constantFrom(0, 2), (events, space) => {
        const cut = jsonSlices(Buffer.from(JSON.stringify(events, null, space)), 1_000) ?? [];
        expect(cut.map((slice) => JSON.parse(String(slice)))).toEqual(JSON.parse(JSON.stringify(events)));
      }),
    );
  });

  it('never makes the cutter fail or lose a byte of an entry, however broken it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{},"\\ a1]{0,40}$/), (text) => {
        for (const slice of slices(text) ?? []) expect(text).toContain(slice);
      }),
    );
  });
});

describe('a body of one object', () => {
  const profile = {
    ...{ name: 'any', version: 1, title: '', vendor: '', expression: null, constants: {} },
    ...{ format: 'json' as const, identify: [{ header: 'x-event' }, { pointer: '/id' }] },
  };
  const delivery = (headers: Record<string, string> | null): Delivery => ({
    ...{ sourceId: 1, receivedAt: 0, contentType: '', headers, proof: { scheme: 'basic', secretId: '' } },
    ...{ traceparent: null, requestId: '', batch: null, importId: null },
  });
  const cut = (body: Buffer, from: Delivery) => {
    const slices = eventSlices(body).flatMap((slice) => eventsIn(profile, slice));
    return slices.map((slice, index) => eventOf(profile, slice, from, { index, of: slices.length }));
  };

  it('is the event that cutting it would give, wherever it is read at once', () => {
    const id = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.constant(null),
      fc.string({ minLength: 256 }),
    );
    const text = fc.oneof(
      fc.record({ id, q: fc.json() }, { requiredKeys: [] }).map((each) => JSON.stringify(each)),
      fc.constantFrom(
        '{}',
        '{"id":1}{"id":2}',
        '{"id":9007199254740993}',
        '{"id":1,"id":2}',
        '{"id":"a\\u0000"}',
        '{"id":"a}',
        '{"a":[}',
      ),
    );
    const broken = fc.tuple(text, fc.nat(), fc.nat(255)).map(([whole, at, byte]) => {
      const bytes = Buffer.from(whole);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    const headers = fc.constantFrom(null, { 'x-event': 'e-1' });
    fc.assert(
      fc.property(
        fc.oneof(
          text.map((each) => Buffer.from(each)),
          broken,
        ),
        headers,
        (body, given) => {
          const from = delivery(given);
          const lone = loneEvent(profile, body, from);
          if (lone !== undefined) expect(cut(body, from)).toEqual([{ ...lone, id: expect.any(String) }]);
        },
      ),
      { numRuns: 2_000 },
    );
    const plain = Buffer.from('{"id":"a-1"}');
    expect(loneEvent(profile, plain, delivery(null))).toMatchObject({ eventId: 'a-1', payload: '{"id":"a-1"}' });
  });
});
