// Adds to package-lock.json the platform packages that the registry in use could not show.
//
// A package such as @biomejs/biome names one optional package for each platform. A mirror that carries only some of
// them answers 404 for the others; `npm install` then leaves those out of the lock without a word, and `npm ci`
// refuses the lock because they are missing. npm never downloads a package for another platform, so naming its
// version, system and processor is enough to make the lock whole. Run this after `npm install`.
//
// The added entries have no integrity hash. npm fills it in when it runs where the package can be seen.
import { readFileSync, writeFileSync } from 'node:fs';

/** By the word in the name of a package, the system as npm knows it. */
const systems = { ...named('android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'), windows: 'win32' };
const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const packages = lockfile.packages;
const added = [];

for (const [parentPath, parent] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const platform = platformOf(name);
    const isLocked = packages[`${parentPath}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
    if (platform === undefined || isLocked !== undefined || !/^\d/.test(version)) continue;
    const { cpu, libc, os } = platform;
    // In the order of keys that npm itself writes, so that the next `npm install` changes nothing here.
    packages[`node_modules/${name}`] = { version, cpu, ...(parent.dev && { dev: true }), ...libc, optional: true, os };
    added.push(`${name}@${version}`);
  }
}

const sorted = Object.entries(packages).sort(([left], [right]) => left.localeCompare(right, 'en'));
lockfile.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync('package-lock.json', `${JSON.stringify(lockfile, null, 2)}\n`);
console.log(added.length === 0 ? 'package-lock.json was whole.' : `Added to package-lock.json: ${added.join(', ')}`);

/** Reads system, processor and C library from the end of a name like `@swc/core-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const at = words.findIndex((word) => Object.hasOwn(systems, word));
  if (at < 0 || words[at + 1] === undefined) return undefined;
  const library = words[at + 2] ?? '';
  const libc = library.startsWith('musl') ? { libc: ['musl'] } : library.startsWith('gnu') ? { libc: ['glibc'] } : {};
  return { cpu: [words[at + 1]], libc, os: [systems[words[at]]] };
}

function named(...words) {
  return Object.fromEntries(words.map((word) => [word, word]));
}
