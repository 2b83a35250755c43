import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whenWeAreGone } from '../support/watchdog.js';

const LOADER = fileURLToPath(new URL('../support/load-typescript.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
/** It compiles itself and a service, and starts a database. Milliseconds. */
const PATIENCE = 120_000;

describe('npm run demo', () => {
  let root: string;
  let watchdog: { release(): void };
  let demo: ChildProcess;
  let output = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
    watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/demo/data/postmaster.pid")"; sleep 3; rm -rf "$0"', root);
  });
  afterEach(() => void demo.kill('SIGKILL'));
  afterAll(async () => {
    watchdog.release();
    await rm(root, { recursive: true, force: true });
  });

  const start = (...args: string[]) => {
    output = '';
    demo = spawn(process.execPath, ['--import', LOADER, MAIN, ...args], {
      env: { PATH: process.env.PATH, DATA_DIR: root },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [demo.stdout, demo.stderr]) {
      stream?.on('data', (data) => {
        output += data;
      });
    }
    return once(demo, 'exit').then(([code]) => code as number);
  };
  /** What a service and its database leave when they have been stopped, and not merely left. */
  const remains = async () => (await readdir(join(root, 'demo', 'data'))).includes('postmaster.pid');

  it(
    'plays orders on a service of its own, finds that everything holds, and stops it',
    async () => {
      expect(await start('--orders', '40')).toBe(0);
      expect(output).toContain('40 orders of 2017-01-01');
      expect(output).toMatch(/levels +CSV +7,448 +7,448/);
      expect(output).toMatch(/ {2}all +40 /);
      expect(output).toMatch(/they have left +applied/);
      expect(output).toContain('✓ what a warehouse reports becomes stock, once');
      expect(output).toMatch(/The line made \d+ copies, held back \d+, added \d+ of garbage/);
      expect(output).toContain('✓ on hand is what the warehouses have');
      expect(output).toContain('✓ what was promised has left, and nothing of it is reserved any more');
      expect(output).toContain('✓ at the end: on hand = opening + received − shipped');
      expect(output).toContain('Everything holds.');
      expect(output).not.toContain('✗');
      expect(await remains()).toBe(false);
    },
    PATIENCE,
  );

  it(
    'stops its service when it is interrupted',
    async () => {
      const ended = start();
      await new Promise<void>((resolve) => {
        demo.stdout?.on('data', () => output.includes('Playing on') && resolve());
      });
      demo.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(output).toContain('Interrupted.');
      expect(await remains()).toBe(false);
    },
    PATIENCE,
  );

  it.each([
    [['--url', 'http://127.0.0.1:1', '--key', 'k'], 1, 'Nothing answers at http://127.0.0.1:1 ('],
    [['--url', 'localhost:3000', '--key', 'k'], 2, '--url takes http://host:port, not localhost:3000.'],
    [['--url', 'http://localhost:3000'], 2, 'With --url goes --key'],
    [['--orders', 'many'], 2, '--orders takes a whole number from 1 on, not many.'],
  ])(
    'says what is wrong with %j',
    async (args, code, sentence) => {
      expect(await start(...args)).toBe(code);
      expect(output).toContain(sentence);
      expect(output).not.toContain('    at '); // a sentence, not a stack
    },
    PATIENCE,
  );
});
