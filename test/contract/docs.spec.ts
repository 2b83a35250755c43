import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { brotliDecompressSync } from 'node:zlib';
import { callsOf } from '../../src/contract/contract-document.js';
import { readGuide } from '../../src/contract/guide.reader.js';
import { parseContract, readSite } from '../../src/contract/site.reader.js';
import { startApp, TestApp } from '../support/app.js';

const ROOT = new URL('../../', import.meta.url);

describe('the documentation', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('has every page of docs/guide in its navigation, and none that is not there', async () => {
    const files = (await readdir(new URL('docs/guide', ROOT))).map((file) => file.replace(/\.md$/, ''));
    const { navigation, pages } = await readGuide();
    expect([...pages.keys()].sort()).toEqual([...files, 'changes'].sort());
    const places = navigation.flatMap(({ entries }) => entries.map(({ place }) => place));
    expect(files.filter((name) => name !== 'index' && !places.includes(`docs/${name}`))).toEqual([]);
  });

  it('leads from /docs to pages, anchors and files that are all there', async () => {
    const seen = new Map<string, string>();
    const broken: string[] = [];
    const visit = async (path: string, from: string): Promise<string> => {
      const known = seen.get(path);
      if (known !== undefined) return known;
      const { status, text = '', type } = await app.http.get(path);
      seen.set(path, type === 'text/html' ? text : '');
      if (status !== 200) broken.push(`${from} -> ${path}: ${status}`);
      if (type !== 'text/html') return '';
      for (const [, link] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
        const url = new URL(link as string, `http://here${path}`);
        if (url.host !== 'here') continue;
        const target = await visit(url.pathname, path);
        const fragment = decodeURIComponent(url.hash.slice(1));
        // The anchors of the reference are Scalar's, which makes them in the browser.
        if (!fragment || url.pathname === '/docs/reference') continue;
        if (!target.includes(`id="${fragment}"`)) broken.push(`${path} -> ${link}: no such anchor`);
      }
      return text;
    };
    await visit('/docs', '');
    expect(broken).toEqual([]);
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining(['/docs/webhooks', '/docs/calls', '/problems/rate_limited', '/openapi/v1.json']),
    );
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['/asyncapi/v1.json', '/schemas/stock.received.v1.json']));
  });

  it('shows every call without JavaScript', async () => {
    const { text } = await app.http.get('/docs/calls').expect(200);
    const calls = callsOf(await parseContract());
    expect(calls.length).toBeGreaterThan(50);
    expect(calls.filter(({ section, id }) => !text.includes(`reference#tag/${section.toLowerCase()}/${id}"`))).toEqual(
      [],
    );
  });

  it.each(['/docs', '/docs/errors', '/docs/calls', '/docs/reference', '/problems', '/problems/not_found'])(
    'lets %s run no script of its own text, and take nothing from elsewhere',
    async (path) => {
      const { text, headers } = await app.http
        .get(path)
        .expect(200)
        .expect('Content-Type', /^text\/html/);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['content-security-policy']).not.toMatch(/https?:|\*|unsafe-eval/);
      expect(text).not.toMatch(/<script(?![^>]* src=)|<[^>]+ on\w+=|style=/);
      expect(text).not.toMatch(/(?:src|srcset)="(?:https?:)?\/\//);
    },
  );

  it.each([
    '/problems/toString',
    '/docs/toString',
    '/docs/index',
    '/docs/..%2fpackage.json',
    '/docs/assets/toString',
    '/docs/assets/..%2f..%2fpackage.json',
    '/docs/assets/scalar.json',
  ])('serves nothing that is not its own: %s', async (path) => {
    await app.http
      .get(path)
      .expect(404)
      .expect('Content-Type', /^application\/problem\+json/);
  });

  it('sends the reference compressed to whoever takes that, and to others as it is', async () => {
    const { text } = await app.http.get('/docs/reference').expect(200);
    const name = /assets\/(scalar-[\d.]+\.js)/.exec(text)?.[1] as string;
    const bare = await app.http.get(`/docs/assets/${name}`).set('Accept-Encoding', 'identity').expect(200);
    expect(bare.headers).toMatchObject({
      vary: 'Accept-Encoding',
      'cache-control': expect.stringMatching('immutable'),
    });
    expect(bare.headers['content-encoding']).toBeUndefined();
    const packed = await app.http.get(`/docs/assets/${name}`).set('Accept-Encoding', 'gzip, br').expect(200);
    expect(packed.headers['content-encoding']).toBe('br');
    expect(packed.text).toBe(bare.text);
  });

  it('has Scalar as it was published', async () => {
    const { version, sha256OfFile } = JSON.parse(await readFile(new URL('docs/site/scalar.json', ROOT), 'utf8'));
    const { content, compressed } = (await readSite()).get(`scalar-${version}.js`) ?? {};
    expect(
      createHash('sha256')
        .update(content as Buffer)
        .digest('hex'),
    ).toBe(sha256OfFile);
    expect(brotliDecompressSync(compressed as Buffer).equals(content as Buffer)).toBe(true);
  });
});
