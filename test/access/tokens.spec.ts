import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { readConfig } from '../../src/config.js';
import { startApp, type TestApp } from '../support/app.js';

const ISSUER = 'https://login.example';
const AUDIENCE = 'https://holdfast.example';

/** An identity provider that shows its keys. */
class Provider {
  shown = 0;
  broken = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    readonly key: CryptoKey,
    readonly publicText: string,
  ) {}

  static async start(): Promise<Provider> {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    // It does not say for which algorithm it is, as many do not: what is allowed is for us to say.
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', use: 'sig' }];
    const server = createServer((_, response) => {
      provider.shown += 1;
      response.statusCode = provider.broken ? 500 : 200;
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    const provider = new Provider(server, url, privateKey, await exportSPKI(publicKey));
    return provider;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

describe('a token of the identity provider', () => {
  let provider: Provider;
  let test: TestApp;
  let env: Record<string, string>;
  beforeAll(async () => {
    provider = await Provider.start();
    env = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URL: provider.url };
    test = await startApp({ env });
    await test.given.client({ code: 'gateway' });
  });
  afterAll(async () => {
    await test.close();
    await provider.stop();
  });

  const now = () => Math.floor(test.clock.now() / 1_000);
  const claims = (more: JWTPayload = {}): JWTPayload => ({
    ...{ iss: ISSUER, aud: AUDIENCE, sub: 'service@login.example', iat: now(), exp: now() + 300 },
    ...{ client_id: 'gateway', scope: 'openid catalog:read' },
    ...more,
  });
  const sign = (payload: JWTPayload, alg = 'RS256', key: Parameters<SignJWT['sign']>[0] = provider.key) =>
    new SignJWT(payload).setProtectedHeader({ alg, kid: 'one' }).sign(key);
  const use = async (token: string, path = '/v1/items', app = test) => (await app.api(token).get(path)).status;

  it('lets its client in with the scopes it names, and asks for the provider’s keys once', async () => {
    const token = await sign(claims());
    expect(await use(token)).toBe(200);
    expect(await use(await sign(claims({ scope: ['catalog:read'] as never })))).toBe(200);
    const { body } = await test.api(token).get('/v1/clients').expect(403);
    expect(body.requiredScope).toBe('admin');
    expect(await use(await sign(claims({ scope: undefined })))).toBe(403);
    expect(provider.shown).toBe(1);
  });

  it('stands for its client: in the audit trail by its subject, and under the client’s addresses', async () => {
    const token = await sign(claims({ scope: 'catalog:read catalog:write' }));
    await test.api(token).put('/v1/locations/OF-TOKEN', { name: 'x', type: 'store' }).expect(201);
    const { data } = (await test.api().get('/v1/audit?resource=locations/OF-TOKEN').expect(200)).body;
    expect(data).toMatchObject([{ client: 'gateway', key: 'jwt:service@login.example' }]);
    await test
      .api()
      .put('/v1/clients/gateway', { name: 'x', allowedAddresses: ['192.0.2.1'] })
      .expect(200);
    expect((await test.api(token).get('/v1/items').expect(403)).body.code).toBe('address_forbidden');
    await test.api().put('/v1/clients/gateway', { name: 'x' }).expect(200);
    expect(await use(token)).toBe(200);
  });

  it('is narrowed to a channel by its claim, and never to another than its client’s', async () => {
    const [mine, other] = [(await test.given.channel()).code, (await test.given.channel()).code];
    await test.given.client({ code: 'bound', channel: mine });
    const list = async (more: JWTPayload) => {
      const { status, body } = await test.api(await sign(claims({ scope: 'admin', ...more }))).get('/v1/channels');
      return status === 200 ? body.data.map(({ code }: { code: string }) => code) : status;
    };
    expect(await list({})).toEqual(expect.arrayContaining([mine, other]));
    expect(await list({ channel: other })).toEqual([other]);
    expect(await list({ client_id: 'bound' })).toEqual([mine]);
    expect(await list({ client_id: 'bound', channel: mine })).toEqual([mine]);
    expect(await list({ client_id: 'bound', channel: other })).toBe(401);
    expect(await list({ channel: 'nowhere' })).toBe(401);
    expect(await list({ channel: 7 })).toBe(401);
  });

  it.each<[string, () => JWTPayload]>([
    ['of another issuer', () => claims({ iss: 'https://login.elsewhere' })],
    ['for another audience', () => claims({ aud: 'https://elsewhere.example' })],
    ['that never ends', () => claims({ exp: undefined })],
    ['that is not valid yet', () => claims({ nbf: now() + 31 })],
    ['of a client nobody registered', () => claims({ client_id: 'ghost' })],
    ['of no client', () => claims({ client_id: undefined })],
  ])('%s is refused', async (_, payload) => {
    const { body, headers } = await test
      .api(await sign(payload()))
      .get('/v1/items')
      .expect(401);
    expect(body.code).toBe('unauthenticated');
    expect(headers['www-authenticate']).toBe('Bearer realm="holdfast"');
  });

  it('is good until it expires, and for as long again as clocks may differ', async () => {
    const token = await sign(claims({ exp: now() + 10 }));
    test.clock.advance(39_000);
    expect(await use(token)).toBe(200);
    test.clock.advance(1_000);
    expect(await use(token)).toBe(401);
    const early = await sign(claims({ nbf: now() + 30 }));
    expect(await use(early)).toBe(200);
  });

  it('counts only if the provider has signed it, in a way that is allowed', async () => {
    const stranger = await generateKeyPair('RS256');
    const curve = await generateKeyPair('ES256');
    const token = await sign(claims());
    const [head, body, signature] = token.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify(claims({ scope: 'admin' }))).toString('base64url');
    const refused = [
      new UnsecuredJWT(claims()).encode(),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
      // What everybody may read, taken for the secret of a symmetric signature.
      await sign(claims(), 'HS256', new TextEncoder().encode(provider.publicText)),
      await sign(claims(), 'RS256', stranger.privateKey),
      await sign(claims(), 'ES256', curve.privateKey),
      // By the provider's own key, but in a way that is not allowed.
      await sign(claims(), 'PS256', await importJWK(await exportJWK(provider.key), 'PS256')),
      `${head}.${forged}.${signature}`,
      `${head}.${body}.`,
      'eyJ.eyJ.x',
    ];
    for (const each of refused) expect(await use(each)).toBe(401);
  });

  it('gets 503 while the provider does not show its keys, and a key is let in all the same', async () => {
    const { key } = await test.given.key();
    provider.broken = true;
    const other = await startApp({ env, databaseUrl: test.databaseUrl, clock: test.clock });
    const { body, headers } = await other
      .api(await sign(claims()))
      .get('/v1/items')
      .expect(503);
    expect(body.code).toBe('unavailable');
    expect(headers['retry-after']).toBe('5');
    expect(await use(key, '/v1/items', other)).toBe(200);
    provider.broken = false;
    await other.close();
  });

  it('is nobody’s key where tokens are not set up', async () => {
    const plain = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    expect(await use(await sign(claims()), '/v1/items', plain)).toBe(401);
    await plain.close();
  });

  it('that has expired is no attempt of a stranger, and one that is forged is', async () => {
    const strict = { ...env, FAILED_ATTEMPTS_PER_MINUTE: '2' };
    const app = await startApp({ env: strict, databaseUrl: test.databaseUrl, clock: test.clock });
    const statuses = [];
    for (let i = 0; i < 4; i += 1)
      statuses.push(await use(await sign(claims({ exp: now() - 60, jti: `${i}` })), '/v1/items', app));
    for (let i = 0; i < 3; i += 1)
      statuses.push(await use(await sign(claims({ iss: 'x', jti: `${i}` })), '/v1/items', app));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429]);
    await app.close();
  });
});

describe('the settings of tokens', () => {
  const env = { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_JWKS_URL: 'https://login.example/jwks' };

  it.each([
    [{ JWT_JWKS_URL: '' }, 'belong together'],
    [{ JWT_ALGORITHMS: 'RS256,HS256' }, 'JWT_ALGORITHMS has "HS256"'],
    [{ JWT_ALGORITHMS: 'none' }, 'JWT_ALGORITHMS has "none"'],
    [{ JWT_JWKS_URL: 'http://login.example/jwks' }, 'takes https'],
    [{ JWT_JWKS_URL: 'http://localhost.example/jwks' }, 'takes https'],
    [{ JWT_CLOCK_TOLERANCE_SECONDS: '301' }, 'from 0 to 300'],
  ])('with %j stop the start', (change, sentence) => {
    expect(() => readConfig({ ...env, ...change })).toThrow(sentence);
  });

  it('are complete with three of them, and off without', () => {
    expect(readConfig(env).jwt).toMatchObject({ algorithms: ['RS256', 'ES256'], clientClaim: 'client_id' });
    expect(readConfig({}).jwt).toBeUndefined();
  });
});
