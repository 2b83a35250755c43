// `check` looks at what we are built of: versions, hashes, engines, install scripts, licences, known vulnerabilities.
// `sbom <file>` writes it down as CycloneDX.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import {
  gapsOf,
  looseVersions,
  ofProduction,
  type Sbom,
  undecidedScripts,
  unfitEngines,
  unprovenEntries,
} from './rules.js';

/** The oldest that package.json promises, and the one this runs on. */
const NODES = ['20.19.0', process.versions.node];

const manifest = JSON.parse(await readFile('package.json', 'utf8'));
const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
const [mode, file = 'sbom.cdx.json'] = process.argv.slice(2);
if (mode === 'sbom') await writeFile(file, `${JSON.stringify(await readSbom(), null, 2)}\n`);
else await check();

async function check(): Promise<void> {
  const sbom = await readSbom();
  const faults = [
    ...looseVersions(manifest),
    ...unprovenEntries(packages),
    ...unfitEngines(packages, NODES),
    ...undecidedScripts(packages, manifest),
    ...gapsOf(sbom.components, packages),
    ...(await vulnerabilities()),
  ];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exit(1);
  console.log(
    `${Object.keys(packages).length - 1} packages, ${sbom.components.length} of them in production, are as they should be.`,
  );
}

/** What is installed for production. npm names the project after its folder. */
async function readSbom(): Promise<Sbom> {
  const { output } = await npm('sbom', '--sbom-format=cyclonedx');
  const sbom = ofProduction(JSON.parse(output), packages);
  sbom.metadata.component.name = 'holdfast';
  return sbom;
}

/** Of production, from high on. Where the registry does not say, nobody is held up, but everybody is told. */
async function vulnerabilities(): Promise<string[]> {
  const { output } = await npm('audit', '--omit=dev', '--json');
  const report = readReport(output);
  if (!report.vulnerabilities) {
    console.warn(
      `\n  NOT CHECKED: known vulnerabilities. The registry does not answer npm audit: ${report.message ?? 'no reason given'}`,
    );
    console.warn('  Run `npm audit --omit=dev` where registry.npmjs.org can be reached, before a release.\n');
    return [];
  }
  return Object.values(report.vulnerabilities).flatMap(({ name, severity }) =>
    severity === 'high' || severity === 'critical' ? `${name} has a known vulnerability (${severity}): npm audit.` : [],
  );
}

function readReport(output: string): {
  vulnerabilities?: Record<string, { name: string; severity: string }>;
  message?: string;
} {
  try {
    return JSON.parse(output);
  } catch {
    return {};
  }
}

/** npm audit fails where it finds something, and says it nevertheless. */
function npm(...words: string[]): Promise<{ output: string }> {
  return new Promise((resolve, reject) => {
    execFile('npm', words, { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 }, (error, stdout) => {
      if (stdout.trim() === '' && words[0] !== 'audit') reject(error ?? new Error(`npm ${words[0]} said nothing`));
      else resolve({ output: stdout });
    });
  });
}
