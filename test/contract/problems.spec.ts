import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { html } from '../../src/contract/page.js';
import { problemCatalogue } from '../../src/contract/problem-pages.js';
import { PROBLEMS, ProblemCode } from '../../src/problems/problem.js';
import { startApp, TestApp } from '../support/app.js';

const CODES = Object.keys(PROBLEMS) as ProblemCode[];

describe('openapi/problems.md', () => {
  it('describes every problem, and none that is not there (if not: npm run openapi:write)', async () => {
    const file = await readFile(new URL('../../openapi/problems.md', import.meta.url), 'utf8');
    const described = [...file.matchAll(/^## (\w+)$/gm)].map(([, code]) => code);
    expect(described.sort()).toEqual([...CODES].sort());
    expect(file).toBe(problemCatalogue());
  });
});

describe('the table of problems', () => {
  it('has only codes that something answers with', async () => {
    const source = fileURLToPath(new URL('../../src', import.meta.url));
    const files = (await readdir(source, { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && file !== join('problems', 'problem.ts'),
    );
    const text = (await Promise.all(files.map((file) => readFile(join(source, file), 'utf8')))).join('\n');
    const own = ['validation_failed']; // `invalid()` stands in the table's own file
    expect(CODES.filter((code) => !own.includes(code) && !text.includes(`'${code}'`))).toEqual([]);
  });

  it.each(CODES)('tells the caller of %s what happened, why and what to do', (code) => {
    const { title, cause, remedy, status } = PROBLEMS[code];
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    expect(cause).toMatch(/^[A-Z`].*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe('the pages', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it.each(CODES)('explain %s where its type leads', async (code) => {
    const { text } = await app.http
      .get(`/problems/${code}`)
      .expect(200)
      .expect('Content-Type', /^text\/html/);
    expect(text).toContain(`<code>${code}</code>`);
    expect(text).toContain(html(PROBLEMS[code].title));
    expect(text).toContain(html(PROBLEMS[code].cause));
    expect(text).toContain(html(PROBLEMS[code].remedy));
    expect(text).toContain(`"code": "${code}"`);
  });

  it('name the calls that answer a problem', async () => {
    const { text } = await app.http.get('/problems/hold_expired').expect(200);
    expect(text).toContain('href="../docs/reference#tag/reservations/commitReservation"');
    expect(text).not.toContain('listItems');
  });

  it('list every problem', async () => {
    const { text } = await app.http.get('/problems').expect(200);
    expect(CODES.filter((code) => !text.includes(`href="problems/${code}"`))).toEqual([]);
  });

  it('answer an unknown code with a problem of its own', async () => {
    const { body } = await app.http
      .get('/problems/no_such_code')
      .expect(404)
      .expect('Content-Type', /^application\/problem\+json/);
    expect(body).toMatchObject({ type: '/problems/not_found', status: 404, code: 'not_found' });
  });

  it('give the committed document to anyone', async () => {
    const { body, text } = await app.http
      .get('/openapi/v1.json')
      .expect(200)
      .expect('Content-Type', /^application\/json/);
    expect(body.openapi).toBe('3.1.0');
    expect(text).toBe(await readFile(new URL('../../openapi/v1.json', import.meta.url), 'utf8'));
  });
});
