import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SPECTRAL = join(ROOT, 'node_modules/@stoplight/spectral-cli/dist/index.js');

const answer = (status: string) => ({
  [status]: { description: 'D', content: { 'application/json': { schema: { type: 'object' } } } },
});

/** A document in which each of our rules is broken at least once. */
const SPOILT = {
  openapi: '3.1.0',
  info: { title: 'T', version: '1', description: 'D' },
  servers: [{ url: '/', description: 'local', 'x-internal': false }],
  tags: [],
  paths: {
    '/v1/bad_path': {
      get: {
        operationId: 'list',
        summary: 'Ends in a full stop.',
        deprecated: true,
        parameters: [{ name: 'cursor', in: 'query', schema: { type: 'string' } }],
        responses: { ...answer('200'), ...answer('400') },
      },
      post: {
        operationId: 'createBadPath',
        summary: 'Create something bad',
        parameters: [{ name: 'If-Match', in: 'header', schema: { type: 'integer' } }],
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { text: { type: 'string' }, list: { type: 'array' }, number: { type: 'number' } },
              },
            },
          },
        },
        responses: { ...answer('201'), ...answer('503') },
      },
    },
  },
  components: { schemas: { Bad: { type: 'object', properties: { snake_case: { type: 'string' } } } } },
};

describe('the lint of the contract', () => {
  it('sees each of our own rules broken', async () => {
    const rules = [...(await readFile(join(ROOT, '.spectral.yaml'), 'utf8')).matchAll(/^ {2}(holdfast-[a-z-]+):/gm)];
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-lint-'));
    const file = join(folder, 'spoilt.json');
    await writeFile(file, JSON.stringify(SPOILT));
    const found = new Set((await lint(file)).map(({ code }) => code));
    await rm(folder, { recursive: true, force: true });
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.map(([, rule]) => rule).filter((rule) => !found.has(rule as string))).toEqual([]);
  });
});

/** A process of its own: Jest's modules and Spectral's do not agree. */
function lint(file: string): Promise<{ code: string }[]> {
  const args = [SPECTRAL, 'lint', file, '--ruleset', join(ROOT, '.spectral.yaml'), '--format', 'json', '--quiet'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!stdout.startsWith('[')) reject(new Error(stderr || stdout || error?.message));
      else resolve(JSON.parse(stdout));
    });
  });
}
