import semver from 'semver';

/** An entry of package-lock.json, by its path (`node_modules/…`). */
export interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly os?: readonly string[];
  readonly engines?: unknown;
  readonly hasInstallScript?: boolean;
}
export type Lockfile = Readonly<Record<string, Locked>>;

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

/** A component of the SBOM (CycloneDX). */
export interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[];
}

/** What does not say that it runs on the oldest Node that we support, and why it may nevertheless. */
export const BEYOND_OUR_NODE: Readonly<Record<string, string>> = {
  'file-type': 'of @nestjs/common, for a pipe about uploaded files that we do not use',
  cookie: 'of light-my-request, for requests that a test injects; ours go over a socket',
};
/** Licences that ask for nothing but to be named. */
const LICENCES = /^(MIT|MIT-0|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|Unlicense|CC0-1\.0|Python-2\.0)$/;

/** Each as a sentence: a version that is not written out, so that another one may be installed tomorrow. */
export function looseVersions({ dependencies, devDependencies, optionalDependencies }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).flatMap(([name, version]) =>
    semver.valid(version) === version ? [] : `package.json has ${name} at ${version}: write out one version.`,
  );
}

/**
 * Entries of which another content could be installed than the one we have tested: they come from elsewhere than the
 * registry, or have no hash. A package for a platform that the registry at hand could not show (.ci/complete-lockfile.mjs)
 * has none yet; npm installs it nowhere but on that platform.
 */
export function unprovenEntries(lockfile: Lockfile): string[] {
  return entries(lockfile).flatMap(([path, { resolved, integrity, optional, os }]) => {
    const faults: string[] = [];
    if (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')) {
      faults.push(`${path} comes from ${resolved}, not from the registry.`);
    }
    if (integrity === undefined && !(optional && os)) faults.push(`${path} has no integrity hash.`);
    if (integrity !== undefined && !/^sha512-[\w+/]{86}==$/.test(integrity)) {
      faults.push(`${path} is proved by less than SHA-512.`);
    }
    return faults;
  });
}

/** Packages that want a newer Node than one of `nodes`, and names that are allowed to and need not be. */
export function unfitEngines(
  lockfile: Lockfile,
  nodes: readonly string[],
  allowed: Readonly<Record<string, string>> = BEYOND_OUR_NODE,
): string[] {
  const unfit = new Map<string, string>();
  for (const [path, { engines }] of entries(lockfile)) {
    const { node } = (engines ?? {}) as { node?: string };
    if (node === undefined || nodes.every((version) => semver.satisfies(version, node))) continue;
    unfit.set(nameAt(path), node);
  }
  return [
    ...[...unfit].flatMap(([name, node]) =>
      Object.hasOwn(allowed, name) ? [] : `${name} takes Node ${node}; we support ${nodes.join(' and ')}.`,
    ),
    ...Object.keys(allowed).flatMap((name) =>
      unfit.has(name) ? [] : `${name} fits by now: take it out of BEYOND_OUR_NODE (dependencies/rules.ts).`,
    ),
  ];
}

/** Packages that want to run something while they are installed, and of which nobody has decided whether they may. */
export function undecidedScripts(lockfile: Lockfile, { allowScripts = {} }: Manifest): string[] {
  return entries(lockfile).flatMap(([path, { hasInstallScript }]) => {
    const name = nameAt(path);
    if (!hasInstallScript || Object.hasOwn(allowScripts, name)) return [];
    return `${name} runs a script when it is installed: allow or forbid it under allowScripts in package.json.`;
  });
}

/** An SBOM as npm writes it, of which we need this much. */
export interface Sbom {
  readonly metadata: { readonly component: { readonly 'bom-ref': string; name: string } };
  components: readonly Component[];
  dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/**
 * The SBOM of everything that is installed, brought down to production. `npm sbom --omit=dev` (npm 11.19) leaves out
 * whatever a tool needs as well: of ours 61 packages, NestJS and the types of pg among them.
 */
export function ofProduction(sbom: Sbom, lockfile: Lockfile): Sbom {
  const names = new Set(production(lockfile));
  const components = sbom.components.filter(({ name, version }) => names.has(`${name}@${version}`));
  const refs = new Set([sbom.metadata.component['bom-ref'], ...components.map((each) => each['bom-ref'])]);
  const dependencies = sbom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  return { ...sbom, components, dependencies };
}

/** What of production the SBOM does not list, and what it lists under a licence that asks for more than to be named. */
export function gapsOf(components: readonly Component[], lockfile: Lockfile): string[] {
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const missing = production(lockfile)
    .filter((name) => !listed.has(name))
    .map((name) => `The SBOM does not list ${name}.`);
  const unknown = components.flatMap(({ name, version, licenses = [] }) => {
    const texts = licenses.flatMap(({ license, expression }) => license?.id ?? expression ?? []);
    const fits = texts.some((text) => text.replace(/[()]/g, '').split(' OR ').some(isFree));
    return fits ? [] : `${name}@${version} is under ${texts.join(', ') || 'no licence that it names'}.`;
  });
  return [...missing, ...unknown];
}

/** `name@version` of what the image has. */
function production(lockfile: Lockfile): string[] {
  return entries(lockfile).flatMap(([path, { version, dev, optional, devOptional }]) =>
    dev || optional || devOptional ? [] : `${nameAt(path)}@${version}`,
  );
}

function nameAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function isFree(alternative: string): boolean {
  return alternative.split(' AND ').every((licence) => LICENCES.test(licence.trim()));
}

/** Without the project itself. */
function entries(lockfile: Lockfile): [string, Locked][] {
  return Object.entries(lockfile).filter(([path, { link }]) => path !== '' && !link);
}
