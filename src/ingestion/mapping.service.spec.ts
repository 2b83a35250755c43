import type { ChildProcess } from 'node:child_process';
import { MappingFailed } from './event-fields.js';
import type { KnownProfiles } from './known-profiles.service.js';
import { MappingService } from './mapping.service.js';
import type { Profile } from './profiles.js';

const AT = new Date('2026-03-01T08:30:00Z');
const profiles = new Map<string, Profile>();
const mapping = new MappingService({ find: async (name: string) => profiles.get(name) } as KnownProfiles);

function given(expression: string | null, more: Partial<Profile> = {}): string {
  const name = `profile-${profiles.size}`;
  const constants = { location: 'east' };
  profiles.set(name, {
    ...{ name, version: 1, title: name, vendor: 'V', format: 'json', identify: [], expression, constants },
    ...more,
  });
  return name;
}

const map = (name: string, payload: unknown) =>
  mapping.map(name, typeof payload === 'string' ? payload : JSON.stringify(payload), { 'x-shop': 'A' }, AT, 'wms');

async function refusal(mapped: Promise<unknown>): Promise<MappingFailed> {
  const error = await mapped.then(
    () => new Error('It was mapped.'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(MappingFailed);
  return error;
}

afterAll(() => mapping.onApplicationShutdown());

describe('A mapping', () => {
  const count = `{ "type": "stock.counted.v1", "data": { "sku": sku, "location": $constants.location, "quantity": n } }`;

  test('reads a canonical payload as it is, ids of any length included', async () => {
    const payload =
      '{"id":"a","type":"source.heartbeat.v1","sequence":"90071992547409931234","time":"2026-03-01T08:30:00Z"}';
    await expect(map(given(null), payload)).resolves.toEqual([
      { id: 'a', type: 'source.heartbeat.v1', sequence: '90071992547409931234', time: AT.getTime(), data: {} },
    ]);
  });

  test('makes events of a payload, numbered from 1 where they have no id', async () => {
    const name = given(`[rows.(${count})]`);
    const events = await map(name, {
      rows: [
        { sku: 'A', n: 1 },
        { sku: 'B', n: 0.5 },
      ],
    });
    expect(events).toMatchObject([
      { id: '1', type: 'stock.counted.v1', time: null, data: { sku: 'A', location: 'east', quantity: 10_000 } },
      { id: '2', type: 'stock.counted.v1', time: null, data: { sku: 'B', location: 'east', quantity: 5_000 } },
    ]);
  });

  test('gives an expression the headers, the source, when it was received, and numbers beyond 2^53 as text', async () => {
    const name = given(`{ "type": "order.cancelled.v1", "time": $receivedAt, "data": {
      "orderRef": $string(id), "reason": $source & " " & $lookup($headers, "x-shop") } }`);
    expect(await map(name, '{"id":271878346596884015}')).toMatchObject([
      { time: AT.getTime(), data: { orderRef: '271878346596884015', reason: 'wms A' } },
    ]);
  });

  test('makes nothing of a payload that says nothing of stock', async () => {
    await expect(map(given('missing'), {})).resolves.toEqual([]);
  });

  test.each([
    ['a payload that is no JSON', count, '{"sku":', /^The payload is not JSON: /],
    ['an expression that is none', '{ "type": ', '{}', /^The profile failed: .+\(at character \d+ of the profile\)$/],
    ['what the expression calls an error', '$error("no such thing")', '{}', /^no such thing$/],
    [
      'an event that is none',
      count,
      '{"sku":"A","n":"many"}',
      /^\/data\/quantity: takes a number .+, not the text "many"$/,
    ],
    ['one bad event of two', `[1, 2].(${count})`, '{}', /^\/0\/data\/sku: takes 1 to 64 .+ \(and 1 more\)$/],
    ['text that would be evaluated', '$eval("1")', '{}', /^\$eval is not to be had/],
    ['more events than there are', '[1..10001]', '{}', /10001 events/],
  ])('refuses %s, readably', async (_, expression, payload, detail) => {
    expect((await refusal(map(given(expression), payload))).detail).toMatch(detail);
  });

  test('refuses a profile that is not there, naming how to make it', async () => {
    expect((await refusal(map('nobody', '{}'))).detail).toBe(
      'There is no profile nobody. Make it with PUT /v1/profiles/nobody.',
    );
  });

  test.each([
    ['calls itself for ever', '($f := function($x) { $f($x + 1) }; $f(1))', /timeout after 1\d{3} milliseconds/],
    ['calls itself deeper and deeper', '($f := function($x) { $x + $f($x + 1) }; $f(1))', /Stack overflow/],
  ])('ends one that %s', async (_, expression, detail) => {
    expect((await refusal(map(given(expression), {}))).detail).toMatch(detail);
  });

  test('begins a payload again whose process was ended by somebody else', async () => {
    const good = given(count);
    await map(good, { sku: 'A', n: 1 });
    const slow = map(given(`($s := $sum([1..20000]); ${count})`), { sku: 'B', n: 2 });
    await new Promise(setImmediate); // it is under way now
    (mapping as unknown as { evaluator: ChildProcess }).evaluator.kill('SIGKILL');
    expect(await slow).toMatchObject([{ data: { sku: 'B', quantity: 20_000 } }]);
  });

  test('outlives a profile that takes all the memory, and gives those behind it to another process', async () => {
    const good = given(count);
    const before = map(good, { sku: 'A', n: 1 });
    const greedy = map(
      given(`($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) };
      $map([1..40], function($i) { $f("aaaaaaaaaa" & $string($i), 24) & "" ~> $uppercase }))`),
      {},
    );
    const after = [1, 2, 3].map((n) => map(good, { sku: 'B', n }));
    // Its time may be up before it has had all the memory, where the machine is busy.
    expect((await refusal(greedy)).detail).toMatch(/neither ended in time nor with less than 512 MB|timeout/);
    expect(await before).toHaveLength(1);
    for (const events of await Promise.all(after)) expect(events).toHaveLength(1);
  });
});
