// Jest's global set-up: one PostgreSQL for the whole run, and a look for Redis. Jest does not transform what this
// imports, hence the loader.
import './load-typescript.mjs';

export default async function startServers() {
  const [{ preparePostgres }, { prepareRedis }] = await Promise.all([import('./postgres.ts'), import('./redis.ts')]);
  await prepareRedis();
  globalThis.cleanUpPostgres = await preparePostgres();
}
