// Jest's global teardown. It runs after failed tests too; a run that is killed is tidied by watchdog.ts.
export default async function stopServers() {
  await globalThis.cleanUpPostgres?.();
}
