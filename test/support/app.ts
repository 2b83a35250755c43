import { randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request, { type Test } from 'supertest';
import { AdministratorService } from '../../src/access/administrator.service.js';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import type { OpenApiDocument } from '../../src/openapi-document.js';
import { Given } from './given.js';
import { expectNoLeaks } from './leaks.js';
import { createDatabase } from './postgres.js';
import { expectTruth, holdToDocument } from './truth.js';

/** The key of every test application's administrator, so that two of them on one database share it. */
const ADMIN_KEY = 'the-administrator-of-the-tests';

afterEach(expectTruth);
afterEach(expectNoLeaks);

/** A clock that stands still until it is turned. Two applications may share one. */
export class TestClock {
  constructor(private at: number = Date.now()) {}

  readonly now = (): number => this.at;

  advance(milliseconds: number): void {
    this.at += milliseconds;
  }
}

/** Requests with a key. A POST has an Idempotency-Key of its own unless the test sets one. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  get(path: string): Test {
    return this.authorised(request(this.url).get(path));
  }

  put(path: string, body?: unknown): Test {
    return this.authorised(request(this.url).put(path)).send(body as object);
  }

  post(path: string, body?: unknown): Test {
    return this.authorised(request(this.url).post(path))
      .set('Idempotency-Key', randomUUID())
      .send(body as object);
  }

  delete(path: string): Test {
    return this.authorised(request(this.url).delete(path));
  }

  private authorised(test: Test): Test {
    return test.set('Authorization', `Bearer ${this.key}`);
  }
}

export interface TestApp {
  readonly app: NestFastifyApplication;
  /** Where it listens, `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Requests without a key, or with whatever else a test sets itself. */
  readonly http: ReturnType<typeof request>;
  readonly databaseUrl: string;
  readonly adminKey: string;
  readonly clock: TestClock;
  readonly given: Given;
  /** Requests with this key, by default the administrator's. */
  api(key?: string): Api;
  /** Stops the application, and drops the database unless it was given. */
  close(): Promise<void>;
}

export interface TestAppOptions {
  /** Settings beside those below, by their names in the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: TestClock;
  readonly redisUrl?: string;
  /** A database that another application runs on already. Default: a new one. */
  readonly databaseUrl?: string;
  /** As in AppOptions. */
  readonly hot?: boolean;
  /** Routes beside ours, and the document that has them too. */
  readonly controllers?: Type[];
  readonly document?: OpenApiDocument;
}

/**
 * The application as main.ts runs it, listening on a free port, on a database of its own. The sweeper is off unless
 * `env` turns it on: what must be true must be true without it.
 */
export async function startApp({
  env,
  clock = new TestClock(),
  redisUrl,
  databaseUrl,
  hot,
  controllers,
  document,
}: TestAppOptions = {}): Promise<TestApp> {
  const database = databaseUrl === undefined ? await createDatabase() : { url: databaseUrl, drop: async () => {} };
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    LOG_LEVEL: 'silent',
    EXPIRY_SWEEP_MS: '0',
    DATABASE_POOL: '5',
    ADMIN_API_KEY: ADMIN_KEY,
    SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under',
    // Every test comes from one address, and some try every route with a bad key.
    FAILED_ATTEMPTS_PER_MINUTE: '1000000',
    ...env,
  });
  let app: NestFastifyApplication | undefined;
  try {
    app = await createApp(config, { clock: clock.now, hot, controllers });
    await app.init();
    holdToDocument(app.getHttpServer(), document);
    await app.get(AdministratorService).ensure(config.adminApiKey);
    await app.listen(0, '127.0.0.1');
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    const api = (key: string = ADMIN_KEY) => new Api(url, key);
    const given = new Given(api());
    const started = app;
    const close = async () => {
      await started.close();
      await database.drop();
      expectTruth(); // what was asked before the first test and after the last
      expectNoLeaks();
    };
    return { app, url, http: request(url), databaseUrl: database.url, adminKey: ADMIN_KEY, clock, given, api, close };
  } catch (error) {
    await app?.close().catch(() => {});
    await database.drop().catch(() => {}); // the first error says more
    throw error;
  }
}
