import pg from 'pg';
import { DataSource, EntityManager } from 'typeorm';

/**
 * A transaction, or where a method only reads, any connection: the explicit first argument of every repository method.
 * TypeORM's EntityManager, of which we use `query` with SQL written out.
 */
export type Tx = EntityManager;

/** The role that may not rewrite the ledger (migrations/…-stock.sql). Sessions take it on at start-up. */
const AS_APPLICATION = '-c role=holdfast_app';

/**
 * The engine finds everything by key, with statements planned once a connection. Planned while a table is small, they
 * would hash all of it, and go on doing so as it grows: on a new database the idempotency keys alone took half of
 * what a reservation cost after 20,000 of them. A plan that counts on a thousand rows where there is one (few.ts) would be
 * compiled at every use.
 */
const BY_KEY =
  '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off';

/** int8 as a number: ids, versions and ten-thousandths all stay below 2^53 (semantics.md 3 bounds quantities to 10^11). */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/**
 * A connection may end in the moment in which the pool hands it over and nobody listens yet, and an error that nobody
 * hears ends the process. Whoever then uses it is told by its query.
 */
class Client extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

/** What every session of the service has: its role, and a bound on how long a statement or an idle transaction may last. */
function session(url: string) {
  return {
    connectionString: url,
    options: AS_APPLICATION,
    types,
    application_name: 'holdfast',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    // The server has given up by then: who still hears nothing has a connection that leads nowhere any more.
    query_timeout: 35_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
  } satisfies pg.ClientConfig;
}

/** The pool behind the calm features: TypeORM's, with SQL written out in the repositories. */
export function createDataSource(url: string, poolSize: number): DataSource {
  const { connectionString: _, ...extra } = session(url);
  return new DataSource({ type: 'postgres', url, extra: { ...extra, Client, max: poolSize } });
}

/**
 * A pool of plain connections for the hot reads: prepared statements by name, no ORM in between. They find by key, too: a plan
 * made while a day of the inbox is nearly empty may read all of it for each event, and goes on as it fills. One run in five took
 * 1,500 µs of PostgreSQL an event where the others took 70 to 93, and none of eleven since. And they walk along an index, else
 * each 2,000 events of a backlog were picked from all 60,000 that waited: 20 ms instead of 9.5, and more with every event.
 */
export function createPool(url: string, size: number): pg.Pool {
  const options = `${AS_APPLICATION} -c enable_seqscan=off -c enable_bitmapscan=off`;
  const pool = new pg.Pool({ ...session(url), options, Client, max: size });
  // An idle connection that breaks is replaced at the next use, which reports what is wrong. Unheard, it would end us.
  pool.on('error', () => {});
  return pool;
}

export interface Prepared {
  readonly text: string;
  /** Makes an object of the fields of a row as the server sends them: text, or null. */
  readonly read: (fields: readonly (string | null)[]) => unknown;
}

/**
 * A connection of its own for one mailbox of the engine.
 * `lockTimeout`: milliseconds. A mailbox waits for nothing else, so silence ends its connection sooner than others.
 */
export class EngineClient extends Client {
  /** What its flights have prepared, by name. */
  readonly prepared = new Map<string, Prepared>();
  private underWay: pg.Submittable | undefined;
  /**
   * One for all flights. pg makes a timer for each, and what hung on them lived on: 1.9 kB of buffers a reservation, which only a full
   * collection freed, one each four seconds at 4,000 reservations a second, in which the others waited for 100 ms.
   */
  private readonly clock: NodeJS.Timeout;

  constructor(url: string, lockTimeout: number) {
    const name = { application_name: 'holdfast engine', options: `${AS_APPLICATION} ${BY_KEY}` };
    super({ ...session(url), ...name, lock_timeout: lockTimeout, query_timeout: 0 });
    this.clock = setTimeout(() => this.hangUp(), lockTimeout + 5_000).unref();
  }

  send(flight: pg.Submittable): void {
    this.underWay = flight;
    this.clock.refresh();
    this.query(flight);
  }

  /** To be told that a flight is answered, be it by an error. */
  answered(flight: pg.Submittable): void {
    if (this.underWay === flight) this.underWay = undefined;
  }

  /** Nothing has come back for too long: whoever waits is told that the connection has ended. */
  private hangUp(): void {
    if (this.underWay) this.connection.stream.destroy();
  }
}
