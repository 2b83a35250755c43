// Makes src/generated from openapi/v1.json; with --check says whether it is up to date.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';

const contract = fileURLToPath(new URL('../../openapi/v1.json', import.meta.url));
const committed = fileURLToPath(new URL('src/generated', import.meta.url));
const check = process.argv.includes('--check');
const output = check ? await mkdtemp(join(tmpdir(), 'holdfast-client-')) : committed;

await createClient({
  input: contract,
  output: { path: output, clean: true, module: { extension: '.js' } },
  plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
  logs: { level: 'silent', file: false },
});
const { components } = JSON.parse(await readFile(contract, 'utf8'));
const codes = components.schemas.Problem.properties.code['x-extensible-enum'];
await writeFile(
  join(output, 'problem-codes.ts'),
  `// This file is made of openapi/v1.json, as the others here.

/** Every \`code\` of a problem that the contract names. The list grows. */
export type ProblemCode =
${codes.map((code) => `  | '${code}'`).join('\n')};
`,
);

if (check) {
  const [made, kept] = await Promise.all([contentOf(output), contentOf(committed)]);
  await rm(output, { recursive: true });
  if (made === kept) console.log('clients/typescript is up to date.');
  else {
    console.error('clients/typescript is stale: run "npm run client:write", look at what changed, and commit it.');
    process.exitCode = 1;
  }
} else console.log('clients/typescript is written.');

async function contentOf(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = files.sort().map(async (file) => `${file.slice(directory.length)}\n${await readFile(file, 'utf8')}`);
  return (await Promise.all(texts)).join('\n');
}
