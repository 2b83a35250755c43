import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { whenWeAreGone } from '../test/support/watchdog.js';
import type { Answered, Load } from './generator.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const TRACING = new URL('../dist/tracing.js', import.meta.url).href;
/** As `npm start` and the image have it. */
const NODE_OPTIONS = ['--enable-source-maps', '--max-semi-space-size=32', '--import', TRACING];

/** One for all services of a run: they share a database. */
const SECRET = randomBytes(32).toString('base64');
const ADMIN_KEY = randomBytes(24).toString('hex');

/** The most that can be agreed: what is measured is the service, and counting is part of it. */
const UNREACHED = { requestsPerMinute: 10_000_000, burst: 1_000_000 };

/** Settings of the service beside production's, such as `REDIS_URL`. */
export type Settings = Readonly<Record<string, string>>;

/** What a caller shows the service. */
export interface Access {
  /** Of the channel `bench`, which every reservation is for; it may reserve and ask what is available. */
  readonly key: string;
  /** Of it and of channels like it. A hundred lines cost a hundred: at 300,000 a second one channel would use up the most that can be agreed. */
  readonly keys: readonly string[];
  /** What the source `bench` signs its events with. */
  readonly secret: string;
}

/** The service as `npm start` runs it, in a process of its own. */
export class ServiceProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly release: () => void,
  ) {}

  get pid(): number {
    return this.child.pid as number;
  }

  /** Throws with what the service printed when it does not start. `nodeOptions`: for profiles. */
  static async start(
    databaseUrl: string,
    settings: Settings = {},
    nodeOptions: readonly string[] = [],
  ): Promise<ServiceProcess> {
    const child = spawn(process.execPath, [...NODE_OPTIONS, ...nodeOptions, MAIN], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        ADMIN_API_KEY: ADMIN_KEY,
        SECRET_ENCRYPTION_KEY: SECRET,
        PORT: '0',
        HOST: '127.0.0.1',
        LOG_LEVEL: 'warn',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C reaches us, and we stop it in our order
    });
    const watchdog = whenWeAreGone('kill "$0"', String(child.pid));
    const url = await readUrl(child).catch((error) => {
      child.kill();
      watchdog.release();
      throw error;
    });
    // From here on what it prints is a warning that the reader of the figures should see.
    child.stdout?.removeAllListeners('data').resume();
    child.stderr?.removeAllListeners('data').on('data', (chunk) => process.stderr.write(chunk));
    return new ServiceProcess(child, url, watchdog.release);
  }

  /** Makes a location, a channel that sells from it and its key, a source that owns what is there and its secret. */
  async setUp(): Promise<Access> {
    await this.call('PUT', '/v1/locations/main', { name: 'Main', type: 'warehouse' });
    const keys: string[] = [];
    for (const code of ['bench', 'shop1', 'shop2', 'shop3']) keys.push(await this.sell(code, UNREACHED));
    const [key = ''] = keys;
    const source = await this.call('PUT', '/v1/sources/bench', {
      name: 'Bench',
      kind: 'wms',
      profile: 'canonical',
      signature: { scheme: 'hmac_sha256', header: 'X-Signature', encoding: 'base64' },
      owns: [{ location: '*', facts: ['on_hand'] }],
      quantityBasis: 'on_hand',
      freshnessSeconds: 3600,
      rateLimit: UNREACHED,
    });
    return { key, keys, secret: (source as { secret: string }).secret };
  }

  /** Makes a channel that sells what is at the location, and its client. Gives the key it reserves with. */
  async sell(code: string, rateLimit?: { requestsPerMinute: number; burst: number }): Promise<string> {
    await this.call('PUT', `/v1/channels/${code}`, {
      name: code,
      locations: ['main'],
      sourcing: 'listed_order',
      ...(rateLimit ? { rateLimit } : {}),
    });
    await this.call('POST', '/v1/clients', { code, name: code, channel: code });
    const made = await this.call('POST', `/v1/clients/${code}/keys`, {
      name: code,
      scopes: ['availability:read', 'reservations:write', 'events:read'],
    });
    return (made as { key: string }).key;
  }

  /** Ends it as an orchestrator would, and waits. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    this.release();
  }

  private async call(method: string, path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${ADMIN_KEY}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': randomUUID(),
      },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  }
}

/** Waits for the address in the banner. Throws with what was printed when there is none. */
function readUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = () => {
      clearTimeout(patience);
      reject(new Error(`The service did not start.\n${printed}`));
    };
    const patience = setTimeout(fail, START_TIMEOUT_MS);
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /API +(http:\S+)/.exec(printed)?.[1];
      if (!url) return;
      clearTimeout(patience);
      child.off('exit', fail);
      resolve(url);
    };
    child.once('exit', fail);
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
}

/** The load generator, in a process of its own so that its CPU time can be told from ours. */
export class Generator {
  private readonly child = fork(GENERATOR);
  private readonly died = once(this.child, 'exit').then(() => {
    throw new Error('The load generator has ended.');
  });

  constructor() {
    this.died.catch(() => {}); // it ends when we are done with it
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async generate(load: Load): Promise<Answered> {
    const answered = once(this.child, 'message');
    this.child.send(load);
    const [result] = await Promise.race([answered, this.died]);
    return result as Answered;
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }
}
