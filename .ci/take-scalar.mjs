// Takes the one file of Scalar that /docs/reference needs out of its npm package: docs/site/scalar-<version>.js.br.
//
// As a dependency the package would bring 299 others and 243 MB for one file of 3.6 MB (decision 17), so the file is
// kept here as it was published, compressed. Run this with another version to change it, then run the tests: one of
// them opens the page in a browser.
//
//   node .ci/take-scalar.mjs 1.46.4
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const version = process.argv[2] ?? '1.46.4';
const site = new URL('../docs/site/', import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'holdfast-scalar-'));
// npm compares what it downloads with the integrity that the registry states, which is kept beside the file.
const [packed] = JSON.parse(
  execFileSync('npm', ['pack', `@scalar/api-reference@${version}`, '--json'], { cwd: directory, encoding: 'utf8' }),
);
execFileSync('tar', ['-xzf', packed.filename, 'package/dist/browser/standalone.js'], { cwd: directory });
const script = readFileSync(join(directory, 'package/dist/browser/standalone.js'));
rmSync(directory, { recursive: true });

for (const old of readdirSync(site).filter((name) => /^scalar-.*\.js\.br$/.test(name))) rmSync(new URL(old, site));
const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
const compressed = brotliCompressSync(script, { params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24 } });
writeFileSync(new URL(`scalar-${version}.js.br`, site), compressed);
const notice = {
  package: '@scalar/api-reference',
  version,
  licence: 'MIT, © Scalar, https://github.com/scalar/scalar/blob/main/LICENSE',
  file: 'dist/browser/standalone.js',
  integrityOfPackage: packed.integrity,
  sha256OfFile: createHash('sha256').update(script).digest('hex'),
};
writeFileSync(new URL('scalar.json', site), `${JSON.stringify(notice, null, 2)}\n`);
console.log(`docs/site/scalar-${version}.js.br: ${compressed.length} bytes, of ${script.length}.`);
