import { Agent, request as ask, type IncomingMessage } from 'node:http';
import fc, { type Arbitrary } from 'fast-check';
import { operations, type Schema } from '../../src/openapi-document.js';
import { expectTruth } from '../support/truth.js';
import { contract, type ExampleWorld, exampleWorld, type Place, sign } from './example-world.js';

/** How often each route is asked. A long look for more: `FUZZ_RUNS=1000 FUZZ_SEED=$RANDOM npm test -- test/contract/fuzz.spec.ts`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 40);
const SEED = Number(process.env.FUZZ_SEED ?? 4);

/** What no schema asks for and somebody sends. */
const ODD: readonly unknown[] = [
  ...[null, true, false, [], {}, [[]], [null], { a: { b: [] } }, nested(200)],
  ...[0, -0, -1, 0.1, 1e-7, 1.5, 2 ** 31, 2 ** 53, 1e15, 1e21, 1e308, -1e308, 5e-324],
  ...['', ' ', '0', '-1', '1e5', 'NaN', 'null', 'a\u0000b', '\u0000', '\ud800', 'x\udc00y', '\uffff', '\u202e', '🛒'],
  ...['__proto__', 'constructor', 'toString', "'; drop table item --", '%00', '../..', '{{1+1}}', '*', '"', '\r\n'],
  ...['2026-02-30T25:61:61Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00Z', '9'.repeat(400), 'x'.repeat(70_000)],
];
const NAMES = ['__proto__', 'constructor', 'toString', '', 'a\u0000b', '\ud800', 'id', 'x'.repeat(5_000)];
/** Written as such into a body: what JSON.stringify would not write. */
const TOKENS = [
  '1e400',
  '-',
  '\u0000',
  '\ufeff',
  '"\\ud800"',
  '[',
  '}',
  ',',
  'NaN',
  '0x1',
  '"__proto__":{"admin":true},',
];

function nested(depth: number): unknown {
  return depth === 0 ? [] : [nested(depth - 1)];
}

/** What a schema allows, its example among it: only what is there leads deep into the service. */
function valid(schema: Schema & Bounds): Arbitrary<unknown> {
  const { example } = schema;
  const made = of(schema);
  return example === undefined ? made : fc.oneof({ weight: 2, arbitrary: fc.constant(example) }, made);
}

interface Bounds {
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly additionalProperties?: boolean | Schema;
}

function of(schema: Schema & Bounds): Arbitrary<unknown> {
  const { $ref, type, properties, items = {}, required = [] } = schema;
  if ($ref) return valid(contract.components.schemas[$ref.split('/').at(-1) as string] as Schema);
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return fc.oneof(...choices.map(valid));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (typeof type === 'object') return fc.oneof(...type.map((one) => of({ ...schema, type: one })));
  const { minimum: min = schema.exclusiveMinimum ?? -1e9, maximum: max = 1e12 } = schema;
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31) });
    case 'number':
      return fc.oneof(
        fc.integer({ min: Math.ceil(min), max: 1_000 }),
        fc.integer({ min: Math.ceil(min * 100), max: 10_000 }).map((n) => n / 100),
      );
    case 'string':
      return text(schema);
    case 'array': {
      const lengths = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 3, 3) };
      return schema.uniqueItems ? fc.uniqueArray(valid(items), lengths) : fc.array(valid(items), lengths);
    }
    case 'object': {
      const parts = Object.entries(properties ?? {}).map(([name, part]) => [name, valid(part)] as const);
      if (parts.length === 0) return fc.dictionary(fc.string(), any(schema.additionalProperties), { maxKeys: 3 });
      return fc.record(Object.fromEntries(parts), { requiredKeys: [...required] });
    }
    default:
      return fc.jsonValue();
  }
}

const any = (schema: boolean | Schema | undefined) => (typeof schema === 'object' ? valid(schema) : fc.jsonValue());

function text({ pattern, format, minLength = 0, maxLength = 40 }: Bounds): Arbitrary<string> {
  if (format === 'date-time') {
    const range = { min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true };
    return fc.date(range).map((at) => at.toISOString());
  }
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)), unit: 'grapheme' });
}

/** A value with one thing wrong somewhere within: another type, a member missing, or one too many. */
function wrong(value: unknown): Arbitrary<unknown> {
  const odd = fc.constantFrom(...ODD);
  if (typeof value !== 'object' || value === null) return odd;
  const members = Object.entries(value);
  const rebuilt = (entries: [string, unknown][]) =>
    Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
  const within = members.map(([name, member]) =>
    wrong(member).map((other) => rebuilt(members.map(([one, its]) => [one, one === name ? other : its]))),
  );
  const without = members.map(([name]) => fc.constant(rebuilt(members.filter(([one]) => one !== name))));
  const more = fc.tuple(fc.constantFrom(...NAMES), odd).map((member) => rebuilt([...members, member]));
  return fc.oneof(
    odd,
    more,
    ...(within.length > 0 ? [{ weight: 6, arbitrary: fc.oneof(...within) }, fc.oneof(...without)] : []),
  );
}

/** Text with something put into it, or cut off. */
function torn(whole: string): Arbitrary<string> {
  const place = fc.nat(whole.length);
  return fc.oneof(
    place.map((at) => whole.slice(0, at)),
    fc.tuple(place, fc.constantFrom(...TOKENS)).map(([at, token]) => whole.slice(0, at) + token + whole.slice(at)),
  );
}

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** As a part of a URL, byte by byte; a surrogate without its other half as UTF-8 has no place for it. */
const encode = (value: unknown) => {
  const written = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /\p{Surrogate}/u.test(written) ? '%ED%A0%80' : encodeURIComponent(written);
};

/** What Node would not send at all is left out of headers. */
const headerOf = (value: unknown) =>
  String(value)
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
    .slice(0, 4_000);

type Part = Record<string, unknown>;

/** A part of a request, as documented and with one thing wrong. */
interface Choice<Made> {
  readonly good: Arbitrary<Made>;
  readonly bad?: Arbitrary<Made>;
}

/** Requests of a route: one in three as documented, the others with one part wrong. */
function requests({ method, path, operation }: Place, ids: readonly string[]): Arbitrary<Asked> {
  const { operationId, parameters = [], requestBody } = operation;
  const value = ({ name, schema = {}, example }: (typeof parameters)[number]) => {
    if (name === 'id' && ids.length > 0) return fc.constantFrom(...ids);
    if (name === 'Idempotency-Key') return fc.uuid().map((key) => `${operationId}-${key}`);
    if (name === 'If-Match') return fc.constantFrom('"1"', '"2"', '*');
    return valid(example === undefined ? schema : { ...schema, example });
  };
  // A cursor that was not handed out makes one answer of all, so it only comes up among what is wrong.
  const some = (where: string): Choice<Part> => {
    const named = parameters.filter((one) => one.in === where);
    if (named.length === 0) return { good: fc.constant({}) };
    const sent = named.filter(({ name }) => name !== 'cursor');
    const values = Object.fromEntries(sent.map((one) => [one.name, value(one)]));
    const requiredKeys = sent.filter(({ required }) => required).map(({ name }) => name);
    const good = fc.record(values, { requiredKeys });
    const spoilt = fc
      .tuple(good, fc.constantFrom(...named), fc.constantFrom(...ODD))
      .map(([all, { name }, odd]) => ({ ...all, [name]: odd }));
    const lacking = fc.record(values, { requiredKeys: [] });
    return { good, bad: where === 'path' ? spoilt : fc.oneof({ weight: 4, arbitrary: spoilt }, lacking) };
  };
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema = {}, example }]) => {
    const isText = schema.type === 'string';
    const good = isText ? fc.constant(example) : valid({ ...schema, example });
    const write = (one: unknown) => (isText ? String(one) : JSON.stringify(one));
    const bad = fc.oneof(
      { weight: isText ? 0 : 6, arbitrary: good.chain(wrong).map(write) },
      good.chain((one) => torn(write(one))),
      fc.string({ unit: 'binary' }),
    );
    return { good: good.map((one) => ({ type, text: write(one) })), bad: bad.map((text) => ({ type, text })) };
  });
  const untyped = fc.record({ type: fc.constantFrom('text/plain', 'x', 'application/xml'), text: fc.string() });
  const body: Choice<{ type: string; text: string } | undefined> = {
    good: bodies.length > 0 ? fc.oneof(...bodies.map(({ good }) => good)) : fc.constant(undefined),
    bad: fc.oneof(
      { weight: 20, arbitrary: bodies.length > 0 ? fc.oneof(...bodies.map(({ bad }) => bad)) : untyped },
      fc.constant(undefined),
      untyped,
    ),
  };
  const member = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...ODD)).map((one) => Object.fromEntries([one]));
  const extra: Choice<Part> = { good: fc.constant({}), bad: member };
  const choices = { inPath: some('path'), query: some('query'), headers: some('header'), body, extra };
  const spoilable = (Object.keys(choices) as (keyof typeof choices)[]).filter((part) => choices[part].bad);
  const weight = (part: string) => (part === 'body' && requestBody ? 6 : part === 'extra' || part === 'body' ? 1 : 2);
  const spoil = spoilable.map((part) => ({ weight: weight(part), arbitrary: fc.constant(part as string) }));
  const all = spoil.reduce((sum, one) => sum + one.weight, 0);
  const which = fc.oneof({ weight: Math.ceil(all / 2), arbitrary: fc.constant('none') }, ...spoil);
  const part = <Made>(name: string, { good, bad = good }: Choice<Made>, spoilt: string) =>
    name === spoilt ? bad : good;
  const parts = (spoilt: string) =>
    fc.record({
      inPath: part('inPath', choices.inPath, spoilt),
      query: part('query', choices.query, spoilt),
      headers: part('headers', choices.headers, spoilt),
      body: part('body', choices.body, spoilt),
      extra: part('extra', choices.extra, spoilt),
    });
  return which.chain(parts).map(({ inPath, query, headers, body, extra }) => {
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encode(inPath[name]));
    const asked = [...Object.entries(query), ...Object.entries(extra)]
      .map((one) => one.map(encode).join('='))
      .join('&');
    const sent = Object.entries(headers).map(([name, one]) => [name, headerOf(one)]);
    return {
      method: method.toUpperCase(),
      target: asked ? `${filled}?${asked}` : filled,
      headers: Object.fromEntries(body ? [...sent, ['Content-Type', body.type]] : sent),
      body: body?.text,
    };
  });
}

describe('whatever is sent', () => {
  let world: ExampleWorld;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  beforeAll(async () => {
    world = await exampleWorld();
  });
  afterAll(async () => {
    agent.destroy();
    await world.app.close();
  });

  async function send({ method, target, headers, body }: Asked) {
    const signed = body !== undefined && target.startsWith('/v1/ingest/') ? sign(world.secret, body) : {};
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      // With its length, also with a GET: Node would send the body as if it were the next request.
      const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
      const all = { Authorization: `Bearer ${world.app.adminKey}`, ...signed, ...headers, ...length };
      const sent = ask(world.app.url + target, { method, agent, headers: all }, resolve).on('error', reject);
      sent.end(body);
    });
    const text = Buffer.concat(await answer.toArray()).toString();
    return { status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text };
  }

  const places = operations(contract).map((place) => [place.operation.operationId, place] as const);

  // That each answer is as documented, status, headers and body, the application looks at itself: it is asked here, so
  // that what is found is made small.
  it.each(places)('%s answers as documented, and never with a 5xx', async (id, place) => {
    const [, , collection] = place.path.split('/');
    await world.restore();
    // What a route before it has shipped or released teaches little: each has its own.
    const own = collection === 'reservations' ? [await world.hold(), await world.hold(), await world.order()] : [];
    const ids = [...own, ...(world.ids[collection as string] ?? [])];
    await fc.assert(
      fc.asyncProperty(requests(place, ids), async (asked) => {
        const { status, type, text } = await send(asked);
        // The clock of the examples is another than the database's, which is what readiness is there to say.
        if (status >= 500 && id !== 'readReadiness') throw new Error(`${status} ${text}`);
        if (status >= 400 && !/^application\/problem\+json/.test(type) && id !== 'readReadiness') {
          throw new Error(`${status} is no problem document but ${type}: ${text}`);
        }
        expectTruth();
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: false },
    );
  });
});
