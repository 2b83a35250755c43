import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdministratorService } from './access/administrator.service.js';
import { createApp } from './app.js';
import { Welcome } from './banner.js';
import { Config } from './config.js';
import { EmbeddedPostgres, startEmbeddedPostgres } from './postgres/embedded.js';
import { migrate } from './postgres/migrate.js';

/** How long requests that were accepted may take once the service is told to stop. Orchestrators kill after 30 s. */
const GRACE_MS = 15_000;
/** How long the features may take to close when nobody waits for requests any more. */
const HURRIED_MS = 2_000;

/** The service and, where no DATABASE_URL is set, its PostgreSQL: started together and stopped together. */
export class Service {
  private stopping: Promise<void> | undefined;

  private constructor(
    private readonly app: NestFastifyApplication,
    private readonly postgres: EmbeddedPostgres | undefined,
    readonly welcome: Welcome,
  ) {}

  /**
   * Starts everything, in this order: database, schema, application, port, first key. Whatever was started is stopped
   * again when a later step fails. Throws an Error whose message tells a person what to do.
   */
  static async start(config: Config): Promise<Service> {
    const postgres = config.databaseUrl ? undefined : await startEmbeddedPostgres({ directory: config.dataDir });
    const databaseUrl = config.databaseUrl ?? (postgres as EmbeddedPostgres).url;
    let app: NestFastifyApplication | undefined;
    try {
      await migrate(databaseUrl);
      app = await createApp({ ...config, databaseUrl });
      await app.listen(config.port, config.host);
      // Last, because the key is shown by a service that runs, or never.
      const administratorKey = await app.get(AdministratorService).ensure(config.adminApiKey);
      return new Service(app, postgres, {
        version: await readVersion(),
        url: addressOf(app),
        data: describeData(config),
        redis: config.redisUrl !== undefined,
        administratorKey,
      });
    } catch (error) {
      await app?.close().catch(() => {});
      await postgres?.stop();
      throw explain(error, config);
    }
  }

  /** Takes no more connections, finishes what was accepted, closes the features, and then stops the database. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Lets go of the requests that `stop` still waits for. */
  hurry(): void {
    this.app.getHttpServer().closeAllConnections();
    this.giveUp(HURRIED_MS);
  }

  private giveUp: (afterMs: number) => void = () => {};

  private async shutDown(): Promise<void> {
    const patience = setTimeout(() => this.hurry(), GRACE_MS);
    // Closing ends the connections that are idle at that moment. One that was busy is idle after its answer, and
    // would be waited for until its client lets go of it.
    const sweep = setInterval(() => this.app.getHttpServer().closeIdleConnections(), 50);
    const givenUp = new Promise<void>((resolve) => {
      this.giveUp = (afterMs) => setTimeout(resolve, afterMs).unref();
    });
    try {
      await Promise.race([this.app.close(), givenUp]);
    } finally {
      clearTimeout(patience);
      clearInterval(sweep);
      await this.postgres?.stop();
    }
  }
}

async function readVersion(): Promise<string> {
  return JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')).version;
}

/** Where a person reaches it: the port may have been chosen just now, and 0.0.0.0 is no address to type. */
function addressOf(app: NestFastifyApplication): string {
  const { address, family, port } = app.getHttpServer().address() as { address: string; family: string; port: number };
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function describeData({ databaseUrl, dataDir }: Config): string {
  if (databaseUrl === undefined) return `${resolve(dataDir)} (bundled PostgreSQL; kept between runs)`;
  const { host, pathname } = new URL(databaseUrl);
  return `PostgreSQL at ${host}${pathname}`;
}

/** The error that a person can act on, where we know what it means. */
export function explain(error: unknown, { host, port, databaseUrl }: Config): Error {
  const { code, syscall, message } = error as { code?: string; syscall?: string; message?: string };
  const say = (sentence: string) => new Error(sentence, { cause: error });
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    if (code === 'EADDRINUSE') {
      return say(
        `Port ${port} of ${host} is in use. Stop what listens there, or set PORT to another (0: any free one).`,
      );
    }
    if (code === 'EACCES') return say(`Port ${port} is not open to this user. Set PORT to one from 1024 on.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      return say(`HOST is ${host}, which is no address of this machine. Set it to 127.0.0.1, or 0.0.0.0 for all.`);
    }
  }
  if (databaseUrl !== undefined) {
    const place = `PostgreSQL at ${new URL(databaseUrl).host}`;
    if (code && /^(ECONN|EHOST|ENOTFOUND|ETIMEDOUT|EAI_AGAIN)/.test(code)) {
      return say(`${place} does not answer (${code}). Start it, or mend DATABASE_URL; without it, one is bundled.`);
    }
    if (code && /^(28|3D)/.test(code)) return say(`${place} refuses us: ${message}. Mend DATABASE_URL.`);
    if (code === '42501') {
      return say(`${place}: ${message}. The user of DATABASE_URL must be allowed to create tables and roles.`);
    }
  }
  return error instanceof Error ? error : say(String(error));
}
