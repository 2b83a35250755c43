import {
  gapsOf,
  type Lockfile,
  looseVersions,
  ofProduction,
  undecidedScripts,
  unfitEngines,
  unprovenEntries,
} from '../../dependencies/rules.js';

const HASH = `sha512-${'A'.repeat(86)}==`;
const SOUND: Lockfile = { '': { version: '0.1.0' }, 'node_modules/a': { version: '1.0.0', integrity: HASH } };
const locked = (entry: object): Lockfile => ({
  ...SOUND,
  'node_modules/b': { version: '2.0.0', integrity: HASH, ...entry },
});

describe('what we are built of', () => {
  it.each(['^1.0.0', '~1.0.0', '1.x', '*', 'latest', 'github:someone/something', 'file:../b', '1.0'])(
    'is written out: %s is no version',
    (version) => {
      expect(looseVersions({ devDependencies: { b: version, a: '1.0.0-beta.17' } })).toEqual([
        `package.json has b at ${version}: write out one version.`,
      ]);
    },
  );

  it.each([
    ['comes from elsewhere', { resolved: 'https://evil.test/b.tgz' }, /comes from https:\/\/evil\.test/],
    ['comes over plain HTTP', { resolved: 'http://registry.npmjs.org/b.tgz' }, /comes from http:/],
    ['comes from a repository', { resolved: 'git+ssh://git@github.com/b/b.git#1' }, /comes from git/],
    ['has no hash', { integrity: undefined }, /no integrity/],
    ['is optional without a hash, for every platform', { integrity: undefined, optional: true }, /no integrity/],
    ['has a weak hash', { integrity: 'sha1-L7KmaWNQoCNGrDN8hQxQzQxQzQ0=' }, /SHA-512/],
  ])('is proved: an entry that %s is not', (_, entry, sentence) => {
    expect(unprovenEntries(locked(entry))).toEqual([expect.stringMatching(sentence)]);
  });

  it.each([
    [{}],
    [{ resolved: 'https://registry.npmjs.org/b/-/b-2.0.0.tgz' }],
    [{ integrity: undefined, optional: true, os: ['win32'] }],
  ])('is proved: %j is', (entry) => {
    expect(unprovenEntries(locked(entry))).toEqual([]);
  });

  it('runs on every Node that we support, or has a reason', () => {
    const lockfile = locked({ engines: { node: '>=22' } });
    expect(unfitEngines(lockfile, ['20.19.0', '24.1.0'], {})).toEqual([
      'b takes Node >=22; we support 20.19.0 and 24.1.0.',
    ]);
    expect(unfitEngines(lockfile, ['20.19.0'], { b: 'not used' })).toEqual([]);
    expect(unfitEngines(locked({ engines: { node: '>=18' } }), ['20.19.0'], { b: 'not used' })).toEqual([
      expect.stringContaining('b fits by now'),
    ]);
  });

  it('runs no script that nobody has decided about', () => {
    const lockfile = locked({ hasInstallScript: true });
    expect(undecidedScripts(lockfile, {})).toHaveLength(1);
    expect(undecidedScripts(lockfile, { allowScripts: { b: false } })).toEqual([]);
  });

  it.each([
    [[{ license: { id: 'MIT' } }], []],
    [[{ expression: '(MIT OR GPL-3.0)' }], []],
    [[{ expression: 'Apache-2.0 AND MIT' }], []],
    [[{ license: { id: 'AGPL-3.0' } }], ['a@1.0.0 is under AGPL-3.0.']],
    [[{ expression: 'MIT AND GPL-3.0' }], ['a@1.0.0 is under MIT AND GPL-3.0.']],
    [[], ['a@1.0.0 is under no licence that it names.']],
  ])('may be used: %j', (licenses, faults) => {
    expect(gapsOf([{ 'bom-ref': 'a@1.0.0', name: 'a', version: '1.0.0', licenses }], SOUND)).toEqual(faults);
  });

  it('is listed whole, without what only development needs', () => {
    const licenses = [{ license: { id: 'MIT' } }];
    const a = { 'bom-ref': 'a@1.0.0', name: 'a', version: '1.0.0', licenses };
    expect(gapsOf([a], locked({}))).toEqual(['The SBOM does not list b@2.0.0.']);
    expect(gapsOf([a], locked({ dev: true }))).toEqual([]);
    const b = { ...a, 'bom-ref': 'b@2.0.0', name: 'b', version: '2.0.0' };
    const everything = {
      metadata: { component: { 'bom-ref': 'holdfast@0.1.0', name: 'holdfast' } },
      components: [a, b],
      dependencies: [
        { ref: 'holdfast@0.1.0', dependsOn: ['a@1.0.0', 'b@2.0.0'] },
        { ref: 'b@2.0.0', dependsOn: ['a@1.0.0'] },
      ],
    };
    expect(ofProduction(everything, locked({ dev: true }))).toEqual({
      ...everything,
      components: [a],
      dependencies: [{ ref: 'holdfast@0.1.0', dependsOn: ['a@1.0.0'] }],
    });
  });
});
