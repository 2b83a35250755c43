// Jest's global set-up: one PostgreSQL for the whole run, and a look for Redis and a browser. Jest does not transform what this
// imports, hence the loader.
import './load-typescript.mjs';

export default async function startServers() {
  const [{ prepareChromium }, { preparePostgres }, { prepareRedis }] = await Promise.all([
    import('./chromium.ts'),
    import('./postgres.ts'),
    import('./redis.ts'),
  ]);
  // One after the other: both may install something.
  await prepareRedis();
  await prepareChromium();
  globalThis.cleanUpPostgres = await preparePostgres();
}
