import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RULES = join(ROOT, '.dependency-cruiser.cjs');
const CRUISE = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
/** Longer files have more than one reason to change. */
const MOST_LINES = 480;

/** One planted fault a rule: what a file that breaks it looks like. */
const FAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'catalog-looks-down-only': {
    'src/catalog/items.service.ts': `import '../stock/stock.service.js'`,
    'src/stock/stock.service.ts': '',
  },
  'the-ground-floor-knows-no-feature': {
    'src/problems/problem.filter.ts': `import '../catalog/items.service.js'`,
  },
  'no-feature-knows-the-roof': { 'src/access/access.module.ts': `import '../app.js'`, 'src/app.ts': '' },
  'every-feature-has-its-place-in-the-order': {
    'src/stock/stock.module.ts': `import '../utils/misc.js'`,
    'src/utils/misc.ts': '',
  },
  'no-cycles': {
    'src/channels/channels.module.ts': `import './channels.service.js'`,
    'src/channels/channels.service.ts': `import './channels.module.js'`,
  },
  'nothing-unresolved': { 'src/stock/ghost.service.ts': `import './gone.js'` },
  'bare-nouns-are-pure': { 'src/stock/position.ts': `import type { Injectable } from '@nestjs/common'` },
  'bare-nouns-do-not-touch-the-ground': {
    'src/stock/ledger.ts': `import '../postgres/connections.js'`,
    'src/postgres/connections.ts': '',
  },
  'sql-stays-in-repositories': { 'src/stock/stock.controller.ts': `import pg from 'pg'; export default pg` },
};

describe('the house', () => {
  it('keeps its rules', async () => {
    expect(await cruise(ROOT)).toEqual([]);
  });

  it('has only rooms that stand in the order of the rules', async () => {
    const { forbidden } = createRequire(import.meta.url)(RULES);
    const order = forbidden.find(({ name }: { name: string }) => name.startsWith('every-feature-has-its-place'));
    const rooms = (await readdir(join(ROOT, 'src'), { withFileTypes: true })).filter((entry) => entry.isDirectory());
    expect(rooms.filter(({ name }) => !new RegExp(order.to.pathNot).test(`src/${name}/`))).toEqual([]);
  });

  it(`has no file of more than ${MOST_LINES} lines`, async () => {
    const folders = ['src', 'test', 'contract', 'demo', 'simulator', 'bench', 'migrations'];
    const files = (await Promise.all(folders.map(filesOf)))
      .flat()
      .filter((file) => /(?<!schema)\.(ts|mjs|sql)$/.test(file));
    const long: string[] = [];
    for (const file of files) {
      const lines = (await readFile(file, 'utf8')).split('\n').length;
      if (lines > MOST_LINES) long.push(`${file.slice(ROOT.length)}: ${lines}`);
    }
    expect(long).toEqual([]);
  });

  it('has no SQL outside of repositories, the posting engine and the ground', async () => {
    const files = (await filesOf('src')).filter((file) => file.endsWith('.ts'));
    const home = /\.(repository|engine)\.ts$|\.spec\.ts$|src\/postgres\//;
    const elsewhere: string[] = [];
    for (const file of files) {
      if (!home.test(file) && /\.query(<[^(]*>)?\(\s*[`'"]/.test(await readFile(file, 'utf8'))) elsewhere.push(file);
    }
    expect(elsewhere).toEqual([]);
  });
});

describe('the rules of the house', () => {
  let house: string;
  let broken: { rule: string; from: string }[];
  beforeAll(async () => {
    house = await mkdtemp(join(tmpdir(), 'holdfast-house-'));
    for (const [path, text] of Object.values(FAULTS).flatMap((files) => Object.entries(files))) {
      await mkdir(dirname(join(house, path)), { recursive: true });
      await writeFile(join(house, path), text || 'export {};\n');
    }
    await symlink(join(ROOT, 'node_modules'), join(house, 'node_modules'));
    await writeFile(join(house, 'tsconfig.json'), await readFile(join(ROOT, 'tsconfig.json')));
    broken = await cruise(house);
  });
  afterAll(() => rm(house, { recursive: true, force: true }));

  it.each(Object.entries(FAULTS))('see %s broken', (rule, files) => {
    expect(broken).toContainEqual({ rule, from: Object.keys(files)[0] });
  });
});

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** What dependency-cruiser finds in `src` below `directory`. A process of its own: it loads much, and Jest keeps it. */
function cruise(directory: string): Promise<{ rule: string; from: string }[]> {
  return new Promise((resolve, reject) => {
    const args = [CRUISE, 'src', '--config', RULES, '--output-type', 'json'];
    execFile(process.execPath, args, { cwd: directory, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!stdout) return reject(new Error(stderr || error?.message));
      const { violations } = JSON.parse(stdout).summary;
      resolve(
        violations.map(({ rule, from }: { rule: { name: string }; from: string }) => ({ rule: rule.name, from })),
      );
    });
  });
}
