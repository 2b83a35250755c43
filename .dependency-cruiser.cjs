// The house rules of docs/decisions/0001: features look down only, bare nouns are pure, SQL stays in repositories.
const order = [
  'governance',
  'imports',
  'ingestion',
  'reservations',
  'availability',
  'stock',
  'channels',
  'catalog',
  'contract',
  'operations',
  'access',
];
const lookDownOnly = order.slice(1).map((feature, i) => ({
  name: `${feature}-looks-down-only`,
  severity: 'error',
  from: { path: `^src/${feature}/` },
  to: { path: `^src/(${order.slice(0, i + 1).join('|')})/` },
}));
// A bare noun: a file of a feature without a role suffix such as `.service` or `.repository`.
const pure = '^src/[a-z]+/[a-z0-9-]+\\.ts$';
const ground = '^src/(postgres|redis)/';
module.exports = {
  forbidden: [
    ...lookDownOnly,
    {
      name: 'every-feature-has-its-place-in-the-order',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${order.join('|')}|problems|postgres|redis)/` },
    },
    {
      name: 'the-ground-floor-knows-no-feature',
      severity: 'error',
      from: { path: '^src/(problems|postgres|redis)/' },
      to: { path: `^src/(${order.join('|')})/` },
    },
    {
      name: 'no-feature-knows-the-roof',
      severity: 'error',
      from: { path: '^src/[^/]+/' },
      to: { path: '^src/[^/]+\\.ts$', pathNot: '^src/(config(\\.module)?|log)\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'bare-nouns-are-pure',
      severity: 'error',
      from: { path: pure, pathNot: ground },
      to: {
        pathNot: [
          pure,
          '^node:',
          // Of `net` only what knows addresses: a pure file opens no socket.
          '^(crypto|net|util|zlib)$',
          'node_modules/(typeid-js|canonicalize|lossless-json|jsonata|node-x12|edifact)/',
        ],
      },
    },
    {
      name: 'bare-nouns-do-not-touch-the-ground',
      severity: 'error',
      from: { path: pure, pathNot: ground },
      to: { path: ground },
    },
    {
      name: 'one-place-opens-logs-and-keeps-secrets-out',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/log\\.ts$' },
      to: { path: 'node_modules/pino/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sql-stays-in-repositories',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['\\.(repository|service|worker|module|engine)\\.ts$', ground],
      },
      to: { path: 'node_modules/(typeorm|pg)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js'],
    },
  },
};
