import { readdir, readFile } from 'node:fs/promises';
import { startApp } from '../support/app.js';

const ROOT = new URL('../../', import.meta.url);

describe('README.md', () => {
  it('shows calls that work and the answers they get', async () => {
    const [, walk] = /```bash\n([\s\S]*?)```/.exec(await read('README.md')) as unknown as [string, string];
    const app = await startApp();
    let held = '';
    let answer = '';
    let calls = 0;
    for (const line of walk.split('\n')) {
      const [, method, path, body] = /^call (\w+) '?([^' ]+)'?(?: '(.*)')?$/.exec(line) ?? [];
      if (method && path) {
        const url = `/v1/${path.replace('$ID', held)}`;
        const request = {
          GET: () => app.api().get(url),
          PUT: () => app.api().put(url),
          POST: () => app.api().post(url),
        };
        const response = await request[method as keyof typeof request]().send(body && JSON.parse(body));
        expect([200, 201, 409]).toContain(response.status);
        if (response.body.status === 'held') held = response.body.id;
        answer = response.text;
        calls += 1;
      } else if (line.startsWith('# {')) {
        expect(withoutChance(answer)).toBe(withoutChance(line.slice(2)));
      }
    }
    await app.close();
    expect(calls).toBe(10);
  });

  it('names every script of package.json that it sends people to, and nothing that is not there', async () => {
    const { scripts } = JSON.parse(await read('package.json'));
    const text = (await Promise.all(['README.md', 'docs/operating.md'].map(read))).join('\n');
    const named = [...text.matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+|(?<=run )\w+)/g)].map(
      ([, name]) => name as string,
    );
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'demo', 'bench', 'check']));
  });

  it('says what each folder of src is for', async () => {
    const text = await read('README.md');
    const entries = await readdir(new URL('src', ROOT), { recursive: true });
    const folders = new Set(entries.filter((entry) => entry.includes('/')).map((entry) => entry.split('/', 1)[0]));
    expect([...folders].filter((folder) => !text.includes(`\`${folder}/\``))).toEqual([]);
  });

  it('links to files that are there', async () => {
    for (const page of ['README.md', 'docs/operating.md']) {
      const links = [...(await read(page)).matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link as string);
      for (const link of links.filter((one) => !/^https?:/.test(one))) {
        await expect(read(new URL(link, new URL(page, ROOT)).href).catch(isDirectory)).resolves.toBeDefined();
      }
    }
  });
});

describe('docs/operating.md', () => {
  it('describes every setting that the service reads, and none that it does not', async () => {
    const settings = [...(await read('src/config.ts')).matchAll(/'([A-Z][A-Z_]+)'|env\.([A-Z_]+)/g)].map(
      ([, quoted, read]) => quoted ?? read,
    );
    const described = [...(await read('docs/operating.md')).matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name);
    expect(new Set(described)).toEqual(new Set(settings));
  });

  it('describes every metric that the service has of its own, and none that it does not', async () => {
    const app = await startApp();
    const { text } = await app.http.get('/metrics');
    await app.close();
    const metrics = [...text.matchAll(/^# TYPE (holdfast_\w+|http_\w+)/gm)].map(([, name]) => name);
    const described = [...(await read('docs/operating.md')).matchAll(/^\| `(holdfast_\w+|http_\w+)`/gm)];
    expect(described.map(([, name]) => name).sort()).toEqual(metrics.sort());
  });
});

function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), 'utf8');
}

function isDirectory(error: { code?: string }): true {
  if (error.code === 'EISDIR') return true;
  throw error;
}

/** An answer without what differs from run to run: ids and times. */
function withoutChance(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/[a-z]+_[0-9a-z]{26}/g, '<id>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
}
