import { Redis } from 'ioredis';
import pg from 'pg';
import { errorForLog, masked } from '../../src/log.js';
import { createDataSource } from '../../src/postgres/connections.js';
import { createDatabase } from '../support/postgres.js';
import { describeWithRedis, startRedis } from '../support/redis.js';

describe('the log', () => {
  const key = `hf_${'0'.repeat(9)}_${'A'.repeat(39)}`;

  it.each([
    [`GET /v1/items/${key}`, 'GET /v1/items/hf_…'],
    ['signed with whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 'signed with whsec_…'],
    [`Authorization: Bearer ${key}`, 'Authorization: Bearer …'],
    ['postgres://holdfast:hunter2@db:5432/holdfast is down', 'postgres://holdfast:…@db:5432/holdfast is down'],
    ['rediss://:hunter2@cache:6379', 'rediss://:…@cache:6379'],
    [
      'a line without any: res_01h455vb4pex5vsknk084sn02q, hf_',
      'a line without any: res_01h455vb4pex5vsknk084sn02q, hf_',
    ],
  ])('writes %s as %s', (text, written) => {
    expect(masked(text)).toBe(written);
  });

  it('names what PostgreSQL did not like, and neither the statement’s parameters nor the row', async () => {
    const database = await createDatabase();
    const pool = await createDataSource(database.url, 2).initialize();
    const insert = `insert into client (id, code, name) values ($1, $1, $2)`;
    await pool.query(insert, ['told', 'in confidence']);
    const error = await pool.query(insert, ['told', 'in confidence']).catch((failure: unknown) => failure);
    const unread = await pool.query('select $1::text::int', ['in confidence']).catch((failure: unknown) => failure);
    await pool.destroy();
    await database.drop();

    expect(JSON.stringify(error)).toContain('in confidence');
    const written = errorForLog(error);
    expect(written).toMatchObject({
      type: 'QueryFailedError',
      code: '23505',
      cause: { type: 'error', table: 'client' },
    });
    expect(JSON.stringify(written)).not.toMatch(/in confidence|told/);
    expect(JSON.stringify(errorForLog(unread))).toMatch(/22P02(?!.*in confidence)/);
  });

  it('keeps the password of a database that does not let us in', async () => {
    const database = await createDatabase();
    const url = new URL(database.url);
    url.password = 'hunter2';
    const error = await new pg.Client(url.href).connect().catch((failure: unknown) => failure);
    await database.drop();
    expect(JSON.stringify(errorForLog(error))).not.toContain('hunter2');
  });

  it('ends where causes go round in a circle', () => {
    const error = new Error('round', { cause: undefined });
    error.cause = error;
    expect(JSON.stringify(errorForLog(error)).length).toBeLessThan(10_000);
  });

  it('writes what was thrown and is no error', () => {
    expect(errorForLog('Bearer abc')).toEqual({ message: 'Bearer …' });
  });
});

describeWithRedis('the log, with Redis', () => {
  it('keeps the password that Redis refuses', async () => {
    const server = await startRedis();
    const url = new URL(server.url);
    url.username = 'nobody';
    url.password = 'hunter2';
    const redis = new Redis(url.href, { retryStrategy: () => null });
    const error = await new Promise<Error>((resolve) => redis.on('error', resolve));
    redis.disconnect();
    await server.stop();
    expect(JSON.stringify(error)).toContain('hunter2'); // ioredis hangs the command on it
    expect(JSON.stringify(errorForLog(error))).not.toContain('hunter2');
  });
});
