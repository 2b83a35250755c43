import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startApp, TestApp } from '../support/app.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const CLIENT = join(ROOT, 'clients/typescript');

/** What the line does with one request before it lets it through: nothing, says 503, or loses the answer. */
type Mischief = 'overloaded' | 'lose the answer';

/** A line to the service that does to the requests of a path what it is told, one after the other. */
class BadLine {
  readonly asked: { method: string; path: string; intent: string | undefined; status: number | null }[] = [];
  private readonly server: Server;

  constructor(
    private readonly target: string,
    private readonly mischief: Record<string, Mischief[]>,
  ) {
    this.server = createServer((request, response) => void this.pass(request, response));
  }

  async open(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = 'GET', url: path = '/' } = request;
    const intent = request.headers['idempotency-key'] as string | undefined;
    const todo = this.mischief[`${method} ${path}`]?.shift();
    if (todo === 'overloaded') {
      this.asked.push({ method, path, intent, status: 503 });
      const problem = { type: '/problems/overloaded', status: 503, code: 'overloaded', requestId: 'r' };
      response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '0' });
      return void response.end(JSON.stringify(problem));
    }
    const headers = Object.fromEntries(
      ['authorization', 'content-type', 'idempotency-key'].flatMap((name) =>
        request.headers[name] ? [[name, request.headers[name] as string]] : [],
      ),
    );
    const body = parts.length > 0 ? Buffer.concat(parts) : null;
    const answer = await fetch(`${this.target}${path}`, { method, headers, body });
    const text = await answer.text();
    this.asked.push({ method, path, intent, status: todo ? null : answer.status });
    if (todo) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(text);
  }
}

describe('the TypeScript client', () => {
  let app: TestApp;
  let project: string;
  let key: string;

  /** A project of a partner's: the client built and installed, and the checkout of its README compiled against it. */
  beforeAll(async () => {
    app = await startApp();
    project = await mkdtemp(join(tmpdir(), 'holdfast-checkout-'));
    const installed = join(project, 'node_modules/@holdfast/client');
    await mkdir(join(project, 'node_modules/@types'), { recursive: true });
    await mkdir(installed, { recursive: true });
    await run(process.execPath, [TSC, '-p', CLIENT, '--outDir', join(installed, 'dist')]);
    await writeFile(join(installed, 'package.json'), await readFile(join(CLIENT, 'package.json')));
    await symlink(join(ROOT, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'));
    await symlink(join(ROOT, 'node_modules/undici-types'), join(project, 'node_modules/undici-types'));
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    const readme = await readFile(join(CLIENT, 'README.md'), 'utf8');
    await writeFile(join(project, 'checkout.ts'), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] as string);

    await app.given.item({ sku: 'LAMP-7' });
    await app.given.channel({ code: 'shop', locations: [(await app.given.location({ code: 'north' })).code] });
    await app.given.stock('LAMP-7', 'north', 10);
    const scopes = ['availability:read', 'reservations:read', 'reservations:write'];
    ({ key } = await app.given.key({ channel: 'shop', scopes }));
  });
  afterAll(async () => {
    await rm(project, { recursive: true, force: true });
    await app.close();
  });

  /** Complaints of the compiler about a program of the partner's. */
  async function compile(file: string): Promise<string> {
    const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--skipLibCheck'];
    return run(process.execPath, [TSC, ...options, file], { cwd: project }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
  }

  async function checkOut(quantity: number, line: BadLine): Promise<string> {
    const env = { HOLDFAST_URL: await line.open(), HOLDFAST_KEY: key, QUANTITY: String(quantity) };
    const { stdout } = await run(process.execPath, ['checkout.js'], { cwd: project, env }).finally(() => line.close());
    return stdout;
  }

  it('compiles the checkout of its README, with all strictness', async () => {
    expect(await compile('checkout.ts')).toBe('');
  });

  it('is shown by the guide with the same checkout', async () => {
    const guide = await readFile(join(ROOT, 'docs/guide/typescript-client.md'), 'utf8');
    expect(guide).toContain(await readFile(join(project, 'checkout.ts'), 'utf8'));
  });

  it('takes a basket from availability to commitment, each step once, over a line that fails', async () => {
    const reserve = 'POST /v1/reservations';
    const line = new BadLine(app.url, {
      'GET /v1/availability/LAMP-7': ['overloaded'],
      [reserve]: ['overloaded', 'lose the answer'],
    });
    expect(await checkOut(3, line)).toBe('available: 10\nSO-1001: committed\n');
    const holds = line.asked.filter(({ method, path }) => `${method} ${path}` === reserve);
    expect(holds.map(({ status }) => status)).toEqual([503, null, 201]);
    expect(new Set(holds.map(({ intent }) => intent)).size).toBe(1);
    const { body } = await app.api().get('/v1/reservations?channel=shop').expect(200);
    expect(body.data).toHaveLength(1);
    expect(body.data[0].lines[0]).toMatchObject({ committed: 3, reserved: 3 });
  });

  it('tells a shortage by its code, and does not ask again', async () => {
    const line = new BadLine(app.url, {});
    expect(await checkOut(99, line)).toBe('available: 7\nline 1: only 7 left\n');
    expect(line.asked.map(({ status }) => status)).toEqual([200, 409]);
  });

  it('does not compile without the Idempotency-Key, nor with a code that there is not', async () => {
    await writeFile(
      join(project, 'careless.ts'),
      `import { createHoldfast, createReservation, isProblem } from '@holdfast/client';
const client = createHoldfast({ baseUrl: 'http://127.0.0.1', key: 'hf_' });
const { error } = await createReservation({ client, body: { lines: [{ sku: 'A', quantity: 1 }] } });
if (isProblem(error, 'sold_out')) console.log(error.detail);
if (isProblem(error, 'hold_expired')) console.log(error.shortages.length);
if (isProblem(error)) {
  switch (error.code) {
    case 'insufficient_stock':
      console.log(error.shortages[0]?.available);
      break;
    case 'scope_required':
      console.log(error.requiredScope.length);
  }
}
`,
    );
    const complaints = await compile('careless.ts');
    const lines = complaints.split('\n').filter((text) => text.startsWith('careless.ts'));
    expect(lines.map((text) => /^careless\.ts\((\d+),/.exec(text)?.[1])).toEqual(['3', '4', '5']);
    expect(complaints).toMatch(/headers/);
    expect(complaints).toMatch(/sold_out/);
    expect(complaints).toMatch(/possibly 'undefined'/);
  });
});
