import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Deprecated, deprecationHeaders } from '../../src/access/deprecated.decorator.js';
import { DeprecatedUseService } from '../../src/access/deprecated-use.service.js';
import { Endpoint } from '../../src/access/endpoint.decorator.js';
import { buildDocument } from '../../src/openapi.js';
import { Problem } from '../../src/problems/problem.js';
import { startApp, TestApp, TestClock } from '../support/app.js';

const deprecation = { since: '2026-12-01', sunset: '2028-02-01', link: '/docs/versioning' };
const expected = {
  deprecation: '@1796083200',
  sunset: 'Tue, 01 Feb 2028 00:00:00 GMT',
  link: '</docs/versioning>; rel="deprecation"; type="text/html"',
};

@ApiTags('Service')
@Controller({ path: 'old', version: '1' })
class OldController {
  @Get()
  @Deprecated(deprecation)
  @Endpoint({ scope: 'stock:read', summary: 'Read what is going away', answer: { type: Object }, problems: ['in_use'] })
  readOld(): object {
    return {};
  }

  @Get('refused')
  @Endpoint({
    scope: 'stock:read',
    summary: 'Refuse what is going away',
    answer: { type: Object },
    problems: ['in_use'],
  })
  @Deprecated(deprecation)
  refuseOld(): object {
    throw new Problem('in_use', 'It is.');
  }

  @Post('raw')
  @Endpoint({ scope: null, summary: 'Take bytes as before', raw: { 'text/plain': 'a' }, answer: { type: Object } })
  @Deprecated(deprecation)
  takeOld(): object {
    return {};
  }
}

describe('a deprecated operation', () => {
  const clock = new TestClock(Date.parse('2027-01-31T23:59:00Z'));
  let app: TestApp;
  let key: string;
  beforeAll(async () => {
    const controllers = [OldController];
    app = await startApp({ clock, controllers, document: await buildDocument(controllers) });
    key = (await app.given.key({ client: (await app.given.client({ code: 'shop' })).code, scopes: ['stock:read'] }))
      .key;
  });
  afterAll(() => app?.close());

  it('says so on every answer, also where it refuses', async () => {
    for (const [path, status] of [
      ['/v1/old', 200],
      ['/v1/old/refused', 409],
    ] as const) {
      const { headers } = await app.api(key).get(path).expect(status);
      expect(headers).toMatchObject(expected);
    }
    expect((await app.http.get('/v1/old').expect(401)).headers).toMatchObject(expected);
    expect((await app.api(key).get('/v1/stock').expect(200)).headers).not.toHaveProperty('deprecation');
  });

  it('keeps what else its route has said', async () => {
    const { headers } = await app.http.post('/v1/old/raw').set('Content-Type', 'text/plain').send('x').expect(200);
    expect(headers).toMatchObject(expected);
  });

  it('says so in the document', async () => {
    const document = await buildDocument([OldController]);
    const operation = document.paths['/v1/old']?.get;
    expect(operation).toMatchObject({ deprecated: true, 'x-sunset': '2028-02-01' });
    expect(Object.keys(operation?.responses['200']?.headers ?? {})).toEqual(
      expect.arrayContaining(['Deprecation', 'Sunset', 'Link']),
    );
    expect(document.paths['/v1/stock']?.get).not.toHaveProperty('deprecated');
  });

  it('is counted by client and day, also by a second process, and across a restart', async () => {
    const uses = app.app.get(DeprecatedUseService);
    await uses.flush();
    const before = await uses.list('2027-01-01');
    const callsOf = (list: typeof before, day: string, client: string) =>
      list.find((use) => use.operation === 'readOld' && use.day === day && use.client === client)?.calls ?? 0;

    for (let i = 0; i < 3; i++) await app.api(key).get('/v1/old').expect(200);
    await app.http.get('/v1/old').expect(401);
    await uses.flush();
    clock.advance(60_000); // midnight
    await app.api(key).get('/v1/old').expect(200);
    await app.api(key).get('/v1/stock').expect(200);
    const second = await startApp({
      clock,
      controllers: [OldController],
      databaseUrl: app.databaseUrl,
      document: await buildDocument([OldController]),
    });
    await second.api(key).get('/v1/old').expect(200);
    await second.close(); // writes what it has counted
    await uses.flush();

    const after = await uses.list('2027-01-01');
    expect(callsOf(after, '2027-01-31', 'shop') - callsOf(before, '2027-01-31', 'shop')).toBe(3);
    expect(callsOf(after, '2027-02-01', 'shop')).toBe(2);
    expect(after.filter(({ operation }) => operation === 'listPositions')).toEqual([]);
    expect((await app.http.get('/metrics')).text).toMatch(
      /holdfast_deprecated_calls_total\{operation="readOld",client="shop"\} \d/,
    );
  });
});

describe('@Deprecated', () => {
  it('writes the day as RFC 9745 and RFC 8594 have it', () => {
    expect(deprecationHeaders(deprecation)).toEqual({
      Deprecation: expected.deprecation,
      Sunset: expected.sunset,
      Link: expected.link,
    });
  });

  it.each([
    ['2026-12-01', '2027-11-30', /365 days or more/],
    ['2026-12-01', 'soon', /"soon" is not a day/],
    ['2026-13-01', '2028-01-01', /is not a day/],
  ])('refuses %s to %s', (since, sunset, fault) => {
    expect(() => Deprecated({ since, sunset, link: '/' })).toThrow(fault);
  });
});
