// Import direction, as data. apps -> module -> adapters -> usecases -> ports -> domain; `events` is the centre.
const may = {
  events: [],
  config: ['events'],
  telemetry: ['events'],
  'event-log': ['events'],
  'openai-wire': ['events'],
  pricing: ['events'],
  providers: ['events', 'openai-wire'],
  routing: ['events', 'openai-wire', 'pricing', 'providers'],
  dispatch: ['events', 'event-log', 'openai-wire', 'providers', 'routing'],
  'semantic-cache': ['events', 'event-log', 'openai-wire'],
  receipts: ['events', 'event-log', 'pricing'],
  access: ['events', 'event-log', 'pricing'],
  transparency: ['events', 'event-log'],
};
const test = '\\.(spec|int-spec|e2e-spec|contract)\\.ts$|^apps/[^/]+/test/';
const module = '^libs/[^/]+/src/[^/]+\\.module\\.ts$';
const rule = (name, from, to, comment) => ({ name, severity: 'error', from, to, ...(comment && { comment }) });

export default {
  forbidden: [
    rule('no-circular', {}, { circular: true }),
    rule('not-to-unresolvable', {}, { couldNotResolve: true }),
    rule(
      'domain-is-pure',
      { path: '^libs/[^/]+/src/domain/', pathNot: test },
      { pathNot: '^libs/[^/]+/src/domain/' },
      'domain imports domain: no npm package, no node: module',
    ),
    rule(
      'ports-know-only-domain',
      { path: '^libs/[^/]+/src/ports/', pathNot: test },
      { pathNot: '^libs/[^/]+/src/(domain|ports)/' },
    ),
    rule(
      'usecases-know-only-ports',
      { path: '^libs/[^/]+/src/usecases/', pathNot: test },
      { path: '^(apps|libs)/', pathNot: '^libs/[^/]+/src/(domain|ports|usecases)/' },
    ),
    rule(
      'adapters-are-islands',
      { path: '^libs/([^/]+)/src/adapters/([^/]+)/', pathNot: test },
      { path: '^(apps|libs)/', pathNot: '^libs/$1/src/(adapters/$2|usecases)/|^libs/[^/]+/src/(domain|ports)/' },
    ),
    rule(
      'adapters-reached-through-own-module',
      { path: '^libs/([^/]+)/', pathNot: test },
      { path: '^libs/[^/]+/src/adapters/', pathNot: '^libs/$1/' },
    ),
    rule('apps-never-reach-adapters', { path: '^apps/', pathNot: test }, { path: '/src/adapters/' }),
    rule(
      'modules-import-only-config-and-telemetry',
      { path: '^libs/([^/]+)/', pathNot: test },
      { path: module, pathNot: '^libs/($1|config|telemetry)/' },
    ),
    ...Object.entries(may).map(([lib, others]) =>
      rule(
        `${lib}-imports`,
        { path: `^libs/${lib}/` },
        {
          path: '^libs/',
          pathNot: `^libs/(${[lib, ...others].join('|')})/|^libs/(config|telemetry)/src/`,
        },
        `${lib} may import: ${others.join(', ') || 'no other lib'}`,
      ),
    ),
    rule('libs-below-apps', { path: '^libs/' }, { path: '^apps/' }),
    rule(
      'apps-are-islands',
      { path: '^apps/(?!standalone/|cli/)([^/]+)/', pathNot: test },
      { path: '^apps/', pathNot: '^apps/$1/' },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.mjs$' },
    enhancedResolveOptions: { conditionNames: ['nextmodel-source', 'import', 'node', 'default', 'types'] },
  },
};
