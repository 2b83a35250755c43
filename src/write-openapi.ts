// Writes the documents of the contract; with --check says whether they are up to date. Needs no database.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { problemCatalogue } from './contract/problem-pages.js';
import { asyncApiDocument } from './ingestion/asyncapi-document.js';
import { EVENT_SCHEMAS } from './ingestion/event-schemas.js';
import { buildDocument } from './openapi.js';

const EVENTS = 'openapi/events';
const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const at = (name: string) => new URL(`../${name}`, import.meta.url);

const document = await buildDocument();
const files: Readonly<Record<string, string>> = {
  'openapi/v1.json': json(document),
  'openapi/problems.md': problemCatalogue(),
  'openapi/asyncapi.json': json(asyncApiDocument(document.info.version)),
  ...Object.fromEntries(
    Object.entries(EVENT_SCHEMAS).map(([type, schema]) => [`${EVENTS}/${type}.json`, json(schema)]),
  ),
};
const left = (await readdir(at(EVENTS)).catch(() => [])).map((name) => `${EVENTS}/${name}`);
const gone = left.filter((name) => !Object.hasOwn(files, name));

if (process.argv.includes('--check')) {
  const texts = await Promise.all(Object.keys(files).map((name) => readFile(at(name), 'utf8').catch(() => '')));
  const stale = Object.entries(files).flatMap(([name, text], i) => (texts[i] === text ? [] : [name]));
  for (const name of [...stale, ...gone]) {
    console.error(`${name} is stale: run "npm run openapi:write", look at what changed, and commit it.`);
    process.exitCode = 1;
  }
  if (stale.length + gone.length === 0) console.log(`All ${texts.length} documents of the contract are up to date.`);
} else {
  await mkdir(at(EVENTS), { recursive: true });
  for (const name of gone) await rm(at(name));
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
  console.log(`${Object.keys(files).length} documents of the contract are written.`);
}
