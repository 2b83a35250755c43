// Compares the contract with the one that was released: `check` fails if a client of the released one may break, or if
// openapi/changes.md does not tell what is new; `write` writes that; `release` makes the contract at hand the released one.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type Change, changesBetween } from './changes.js';
import { type EventSchemas, eventChanges } from './event-changes.js';

const INTRODUCTION = `# Changes of the contract

What is new in \`/v1\` since each release, made from the difference of the documents by \`npm run openapi:write\`. Nothing here
breaks a client: [Versions](../docs/guide/versioning.md) says what that means, and \`npm run openapi:check\` holds us to it.
`;
const PENDING = '## Not released';

/** A change that only looks like a break: what the document said before was never true. */
interface Correction {
  readonly change: string;
  readonly operations: readonly string[];
  readonly because: string;
}

const [mode, folder = 'openapi'] = process.argv.slice(2);
const home = new URL(`${pathToFileURL(folder).href}/`);
const read = async (name: string) => readFile(new URL(name, home), 'utf8');
const json = async (name: string) => JSON.parse(await read(name));

const released = await json('released/v1.json');
const current = await json('v1.json');
const corrections: Correction[] = await json('released/corrections.json');
const changes = [
  ...(await changesBetween(released, current)),
  ...eventChanges(await eventSchemas('released/events/'), await eventSchemas('events/')),
].sort((left, right) => Number(right.breaks) - Number(left.breaks));
const isCorrection = ({ text, operations }: Change) =>
  corrections.some(({ change, operations: of }) => change === text && operations.every((id) => of.includes(id)));
const breaks = changes.filter((change) => change.breaks && !isCorrection(change));
const history = (await read('changes.md').catch(() => '')).split(/^(?=## )/m).filter((part) => /^## \d/.test(part));

if (mode === 'check') {
  for (const { sentence } of breaks) console.error(sentence);
  if (breaks.length > 0) {
    fail(
      `The contract breaks clients of release ${released.info.version}. Keep what was there and add beside it, mark it with ` +
        '@Deprecated, or make a /v2: docs/guide/versioning.md.',
    );
  } else if ((await read('changes.md').catch(() => '')) !== page(changes)) {
    fail(`${folder}/changes.md is stale: run "npm run openapi:write", look at what changed, and commit it.`);
  } else {
    console.log(
      `The contract breaks no client of release ${released.info.version}; ${folder}/changes.md is up to date.`,
    );
  }
} else if (mode === 'write') {
  await writeFile(new URL('changes.md', home), page(changes));
  console.log(`${folder}/changes.md is written.`);
  for (const { sentence } of breaks) console.warn(sentence);
} else if (mode === 'release') {
  if (breaks.length > 0) fail('The contract breaks clients: see "npm run openapi:check".');
  else await release();
} else {
  fail('Usage: contract/main.ts check | write | release [folder]');
}

async function release(): Promise<void> {
  const { version } = current.info;
  const day = new Date().toISOString().slice(0, 10);
  const lines = changes.length === 0 ? [history.length === 0 ? 'The first.' : 'No change.'] : changes.map(line);
  history.unshift(`## ${version} (${day})\n\n${lines.join('\n')}\n\n`);
  await mkdir(new URL('released/', home), { recursive: true });
  await writeFile(new URL('released/v1.json', home), await read('v1.json'));
  await rm(new URL('released/events', home), { recursive: true, force: true });
  await cp(new URL('events', home), new URL('released/events', home), { recursive: true });
  await writeFile(new URL('released/corrections.json', home), '[]\n');
  await writeFile(new URL('changes.md', home), page([]));
  console.log(`Release ${version}: from now on the contract is compared with this one.`);
}

async function eventSchemas(folder: string): Promise<EventSchemas> {
  const names = (await readdir(new URL(folder, home))).filter((name) => name.endsWith('.json')).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name.replace(/\.json$/, ''), await json(`${folder}${name}`)] as const),
    ),
  );
}

function page(pending: readonly Change[]): string {
  const lines = pending.length === 0 ? ['Nothing.'] : pending.map(line);
  return [INTRODUCTION, `${PENDING}\n\n${lines.join('\n')}\n`, history.join('').trimEnd()]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function line(change: Change): string {
  const correction = corrections.find(({ change: text }) => text === change.text);
  return `- ${change.sentence}${isCorrection(change) ? ` Not really: ${correction?.because}` : ''}`;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
