// Writes openapi/v1.json and openapi/problems.md; with --check says whether they are up to date. Needs no database.
import { readFile, writeFile } from 'node:fs/promises';
import { problemCatalogue } from './contract/problem-pages.js';
import { buildDocument } from './openapi.js';

const files = {
  'openapi/v1.json': `${JSON.stringify(await buildDocument(), null, 2)}\n`,
  'openapi/problems.md': problemCatalogue(),
};

for (const [name, text] of Object.entries(files)) {
  const file = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    await writeFile(file, text);
    console.log(`${name} is written.`);
  } else if ((await readFile(file, 'utf8').catch(() => '')) === text) {
    console.log(`${name} is up to date.`);
  } else {
    console.error(`${name} is stale: run "npm run openapi:write", look at what changed, and commit it.`);
    process.exitCode = 1;
  }
}
