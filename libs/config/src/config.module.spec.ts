import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSettings } from './config.module.js';
import { withOllama } from './domain/default-settings.js';
import { describeSettings } from './domain/describe-settings.js';
import type { Problem } from './domain/problem.js';
import type { Settings } from './domain/settings.js';

const folder = (): string => mkdtempSync(join(tmpdir(), 'nextmodel-config-'));
function load(yaml: string | null, env: Record<string, string> = {}, files: Record<string, string> = {}) {
  const cwd = folder();
  if (yaml !== null) writeFileSync(join(cwd, 'nextmodel.yaml'), yaml);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return loadSettings({ env, cwd });
}
function settingsOf(...given: Parameters<typeof load>): Settings {
  const loaded = load(...given);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
}
function problemsOf(...given: Parameters<typeof load>): readonly Problem[] {
  const loaded = load(...given);
  return loaded.ok ? [] : loaded.problems;
}

describe('configuration without a file', () => {
  it('falls back to the demo provider with aliases and auto', () => {
    const settings = settingsOf(null);

    expect(Object.keys(settings.providers)).toEqual(['demo']);
    expect(Object.keys(settings.models)).toEqual(['demo-small', 'demo-large']);
    expect(settings.routing.auto).toMatchObject({ weak: 'demo-small', strong: 'demo-large', abstain: 'demo-large' });
    expect(settings.environment).toMatchObject({ host: '127.0.0.1', port: 8080, sqlPort: 8123, durability: 'strict' });
    expect(settings.configFile).toBeNull();
  });

  it('makes a provider of each key found, and aliases over all of them', () => {
    const settings = settingsOf(null, { OPENAI_API_KEY: 'sk-1', ARK_API_KEY: 'ark-1', ANTHROPIC_API_KEY: '' });

    expect(Object.keys(settings.providers)).toEqual(['openai', 'ark']);
    expect(settings.models['smart']?.targets.map((target) => target.provider)).toEqual(['openai', 'ark']);
    expect(settings.routing.auto?.strong).toBe('smart');
  });

  it('adds the models of a local Ollama once', () => {
    const once = withOllama(settingsOf(null), ['llama3.2']);

    expect(once.providers['ollama']).toMatchObject({ kind: 'openai-compatible', apiKeys: [] });
    expect(once.models['llama3.2']?.targets).toEqual([{ provider: 'ollama', model: 'llama3.2', weight: 1 }]);
    expect(withOllama(once, ['other'])).toBe(once);
  });

  it('reports wrong variables together and names near ones', () => {
    const problems = problemsOf(null, {
      NEXTMODEL_PORT: 'eighty',
      NEXTMODEL_DURABILITY: 'maybe',
      NEXTMODEL_DURABILTY: 'fast',
      NEXTMODEL_HOST: '0.0.0.0',
      NEXTMODEL_KAFKA_BROKERS: 'kafka',
    });

    expect(problems.map((problem) => problem.path).sort()).toEqual([
      'NEXTMODEL_DURABILITY',
      'NEXTMODEL_DURABILTY',
      'NEXTMODEL_HOST',
      'NEXTMODEL_KAFKA_BROKERS',
      'NEXTMODEL_PORT',
    ]);
  });

  it('listens beyond loopback once the admin token is set', () => {
    const env = { NEXTMODEL_HOST: '0.0.0.0', NEXTMODEL_ADMIN_TOKEN: 'x'.repeat(32) };

    expect(settingsOf(null, env).environment.host).toBe('0.0.0.0');
  });
});

const PROVIDERS = 'providers: { a: { kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", api_key: none } }\n';

const withEmbedder = (embedder: string): string =>
  `providers: { p: { kind: openai, api_key: none }, c: { kind: anthropic, api_key: none } }
models: { m: { targets: [ { provider: p, model: a } ] } }
cache: { semantic: { enabled: true, embedder: ${embedder} } }
`;

describe('configuration with a file', () => {
  it('reads providers, aliases, rules, auto, cache and prices', () => {
    const settings = settingsOf(
      `${PROVIDERS}models: { large: { targets: [ { provider: a, model: x } ] }, "a/*": { targets: [ { provider: a, model: "*" } ] } }
routing:
  rules: [ { name: legal, when: { header: { X-Team: legal } }, use: large } ]
  auto: { weak: large, strong: a/y, strong_share: 0.5, abstain: strong }
cache: { semantic: { enabled: true, max_error: 0.02 }, ttl_s: 3600 }
prices: { files: [ ./prices.yaml ], unpriced: block }
`,
      {},
      { 'prices.yaml': '[]' },
    );

    expect(settings.routing.rules[0]?.when.header).toEqual({ 'x-team': 'legal' });
    expect(settings.routing.auto).toMatchObject({ strongShare: 0.5, abstain: 'a/y' });
    expect(settings.cache).toEqual({
      exact: true,
      semantic: { enabled: true, maxError: 0.02, embedder: null },
      ttlSeconds: 3600,
    });
    expect(settings.prices.unpriced).toBe('block');
    expect(settings.prices.files[0]).toMatch(/prices\.yaml$/);
    expect(settings.providers['a']?.apiKeys).toEqual([]);
  });

  it('lists all problems at once, each with its line and path', () => {
    const problems = problemsOf(`providers:
  openai: { kind: opnai, api_key: "\${NO_SUCH_KEY}" }
models:
  smart: { stratgy: order, targets: [ { provider: opena, model: gpt-5, weight: 0 } ] }
routing:
  rules: [ { name: r, when: { task: code }, use: smrt }, { name: r, when: {}, use: smart } ]
  auto: { weak: smart, strong: smart, strong_share: 2 }
prices: { files: [ ./none.yaml ] }
`);

    expect(problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '2 providers.openai.api_key',
      '2 providers.openai.kind',
      '4 models.smart.stratgy',
      '4 models.smart.targets[0].provider',
      '4 models.smart.targets[0].weight',
      '6 routing.rules[0].use',
      '6 routing.rules[1].when',
      '6 routing.rules[1].name',
      '7 routing.auto.strong_share',
      '8 prices.files[0]',
    ]);
    expect(problems.find(({ path }) => path.endsWith('stratgy'))?.message).toContain('did you mean "strategy"');
    expect(problems.find(({ path }) => path.endsWith('[0].use'))?.message).toContain('did you mean "smart"');
  });

  it('reads who embeds questions, and says what is wrong with it', () => {
    const named = settingsOf(withEmbedder('{ provider: p, model: text-embedding-3-small, dimensions: 1536 }'));
    const wrong = problemsOf(withEmbedder('{ provider: q, modl: x, dimensions: 0 }'));

    expect(named.cache.semantic.embedder).toEqual({
      provider: 'p',
      model: 'text-embedding-3-small',
      dimensions: 1536,
      timeoutMs: 200,
    });
    expect(settingsOf(withEmbedder('null')).cache.semantic.embedder).toBeNull();
    expect(wrong.map(({ path }) => path.replace('cache.semantic.embedder.', '')).toSorted()).toEqual([
      'dimensions',
      'model',
      'modl',
      'provider',
    ]);
    expect(problemsOf(withEmbedder('{ provider: c, model: x, dimensions: 2 }'))[0]?.message).toContain(
      'has no embeddings',
    );
  });

  it('reads what a model says about its own calls, and only that', () => {
    const settings = settingsOf(`providers: { p: { kind: openai, api_key: none } }
models:
  slow:
    targets: [ { provider: p, model: a, context_tokens: 8000 }, { provider: p, model: b } ]
    timeouts: { first_token_timeout_ms: 120000 }
    hedge: {}
    policy_fallback: [ { provider: p, model: c } ]
  plain: { targets: [ { provider: p, model: a } ] }
reliability: { drain_ms: 0, shed_lag_ms: 300, lag_alarm_ms: 70, max_concurrent_per_key: 5, max_concurrent_per_address: 20, trusted_proxies: [10.0.0.0/8], client_headers_ms: 200, client_request_ms: 300 }
`);

    expect(settings.models['slow']).toEqual({
      strategy: 'order',
      targets: [
        { provider: 'p', model: 'a', weight: 1, contextTokens: 8000 },
        { provider: 'p', model: 'b', weight: 1 },
      ],
      timeouts: { firstTokenTimeoutMs: 120_000 },
      hedge: { afterPercentile: 95, shareMax: 0.02 },
      policyFallback: [{ provider: 'p', model: 'c' }],
    });
    expect(settings.models['plain']).toEqual({
      strategy: 'order',
      targets: [{ provider: 'p', model: 'a', weight: 1 }],
    });
    expect(settings.reliability).toMatchObject({
      drainMs: 0,
      shedLagMs: 300,
      lagAlarmMs: 70,
      requestsPerKeyMax: 5,
      requestsPerAddressMax: 20,
      trustedProxies: ['10.0.0.0/8'],
      clientHeadersMs: 200,
      clientRequestMs: 300,
      requestsMax: 4_096,
      slowReaderMs: 30_000,
    });
  });

  it('reports what a model may not say about its calls', () => {
    const problems = problemsOf(`providers: { p: { kind: openai, api_key: none } }
models:
  m:
    targets: [ { provider: p, model: a, context_tokens: 0.5 } ]
    timeouts: { first_token_timeout: 1, idle_timeout_ms: 0 }
    hedge: { after_percentile: 20, max_share: 1 }
    policy_fallback: [ { provider: q, model: "*" } ]
`);

    expect(problems.map(({ path }) => path)).toEqual([
      'models.m.targets[0].context_tokens',
      'models.m.timeouts.first_token_timeout',
      'models.m.timeouts.idle_timeout_ms',
      'models.m.policy_fallback[0].provider',
      'models.m.policy_fallback[0].model',
      'models.m.hedge.after_percentile',
      'models.m.hedge.max_share',
    ]);
  });

  it('reads who cosigns checkpoints, and reports keys and addresses that cannot be', () => {
    const key = `witness.example/w1+67d30a1b+B${'A'.repeat(43)}`;
    const { transparency } = settingsOf(
      `transparency: { witnesses: [ { key: "${key}", url: "https://w.example" }, { key: "${key}" } ], witness_every_s: 5 }`,
    );

    const problems = problemsOf(
      'transparency: { witnesses: [ { key: "a+67d30a1b+AAAA" }, { url: "ftp://x" }, { url: "http://x/?k=1" } ], witness_every_s: 0 }',
    );

    expect(transparency).toMatchObject({
      witnesses: [
        { key, address: { url: 'https://w.example', allowPrivate: false } },
        { key, address: null },
      ],
      witnessEveryMs: 5_000,
    });
    const secret = settingsOf(
      `transparency: { witnesses: [ { key: "${key}", url: "https://u:s3cret@w.example/x" } ] }`,
    );
    expect(JSON.stringify(describeSettings(secret))).not.toContain('s3cret');
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'transparency.witnesses[0].key',
        'transparency.witnesses[1].key',
        'transparency.witnesses[1].url',
        'transparency.witnesses[2].url',
        'transparency.witness_every_s',
      ]),
    );
  });

  it('reports a name that stands twice, and a missing file', () => {
    const doubled = problemsOf('models:\n  a: {}\n  a: {}\n');
    const missing = problemsOf(null, { NEXTMODEL_CONFIG: 'not-there.yaml' });

    expect(doubled[0]).toMatchObject({ line: 3 });
    expect(missing[0]?.message).toContain('ENOENT');
  });

  it('takes a fall-back for a variable that is not set', () => {
    const settings = settingsOf('providers: { p: { kind: openai, api_key: "${NO_SUCH_KEY:-none}" } }');

    expect(settings.providers['p']?.apiKeys).toEqual([]);
  });

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof load(text).ok).toBe('boolean');
      }),
      { numRuns: 150 },
    );
  });

  it('puts no secret into the description or into a problem', () => {
    const secret = 'sk-abcdefghijklmnopqrstuvwxyz';
    const env = { OPENAI_API_KEY: secret, NEXTMODEL_REDIS_URL: `redis://user:${secret}@host:6379` };

    const text = JSON.stringify(describeSettings(settingsOf(null, env)));
    const problems = JSON.stringify(problemsOf(null, { NEXTMODEL_ADMIN_TOKEN: 'too short secret' }));

    expect(text).not.toContain(secret);
    expect(text).toContain('redis://****@host:6379');
    expect(problems).not.toContain('too short secret');
  });
});
