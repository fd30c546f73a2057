/** Ports of what the configuration of a test names. */
export interface UpstreamPorts {
  readonly alpha: number;
  readonly beta: number;
  /** Nothing listens there. */
  readonly dead: number;
}

export const PRICES = `
- { provider: alpha, model: alpha-large, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 2, input_cache_read: 0.5, output_text: 8, output_reasoning: 8 } }
- { provider: alpha, model: drip, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 2, input_cache_read: 0.5, output_text: 8, output_reasoning: 8 } }
- { provider: alpha, model: odd, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 0.123457, input_cache_read: 0.012347, output_text: 0.987653, output_reasoning: 0.987657 } }
- { provider: beta, model: beta-small, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 0.1, input_cache_read: 0.025, output_text: 0.4, output_reasoning: 0.4 } }
`;

/** What one answer costs with the usage and the prices of these tests, in US dollars. */
export const COST_OF_LARGE = '0.0025';

/** The same at `alpha/odd`, whose rates are not round: 800 × 123457 + 200 × 12347 + 60 × 987653 + 40 × 987657 picodollars. */
export const COST_OF_ODD = '0.00020000046';

/** Secrets of providers; the tests look for them where they must not be. */
export const PROVIDER_SECRETS = ['alpha-secret-8c1f', 'beta-secret-77ab', 'dead-secret-9e0d'] as const;

export function configuration({ alpha, beta, dead }: UpstreamPorts): string {
  const [alphaSecret, betaSecret, deadSecret] = PROVIDER_SECRETS;
  return `
providers:
  alpha: { kind: openai-compatible, base_url: "http://127.0.0.1:${alpha}/v1", api_key: ${alphaSecret} }
  beta:  { kind: openai-compatible, base_url: "http://127.0.0.1:${beta}/v1", api_key: ${betaSecret} }
  dead:  { kind: openai-compatible, base_url: "http://127.0.0.1:${dead}/v1", api_key: ${deadSecret} }
  # A refused or throttled credential rests; these have their own, so that no other test waits for it.
  refused: { kind: openai-compatible, base_url: "http://127.0.0.1:${alpha}/v1", api_key: refused-secret }
  limited: { kind: openai-compatible, base_url: "http://127.0.0.1:${alpha}/v1", api_key: limited-secret }
models:
  large:      { targets: [ { provider: alpha, model: alpha-large } ] }
  small:      { targets: [ { provider: beta, model: beta-small } ] }
  resilient:  { targets: [ { provider: dead, model: x }, { provider: alpha, model: fail-503 }, { provider: beta, model: beta-small } ] }
  dead-first: { targets: [ { provider: dead, model: x }, { provider: beta, model: beta-small } ] }
  hang-first: { targets: [ { provider: alpha, model: hang }, { provider: beta, model: beta-small } ] }
  stall-first: { targets: [ { provider: alpha, model: stall }, { provider: beta, model: beta-small } ] }
  early-cut-first: { targets: [ { provider: alpha, model: cut-early }, { provider: beta, model: beta-small } ] }
  late-cut-first: { targets: [ { provider: alpha, model: cut }, { provider: beta, model: beta-small } ] }
  all-fail:   { targets: [ { provider: alpha, model: fail-500 }, { provider: alpha, model: fail-502 }, { provider: beta, model: fail-503 }, { provider: beta, model: beta-small } ] }
  bad-request-first: { targets: [ { provider: alpha, model: fail-422 }, { provider: beta, model: beta-small } ] }
  "a/*":      { targets: [ { provider: alpha, model: "*" } ] }
routing:
  rules:
    - { name: legal, when: { header: { x-team: legal } }, use: large }
    - { name: code, when: { task: code }, use: large }
    - { name: legacy, when: { model: "old-*" }, use: small }
  auto: { weak: small, strong: large, classifier: builtin, strong_share: 0.5, abstain: large }
reliability: { max_attempts: 3, connect_timeout_ms: 1000, headers_timeout_ms: 700, first_token_timeout_ms: 700, idle_timeout_ms: 1500, total_timeout_ms: 20000 }
cache: { exact: true, semantic: { enabled: true, max_error: 0.01 }, ttl_s: 3600 }
prices: { files: [ ./prices.yaml ], unpriced: allow }
`;
}
