export interface FaultConfiguration {
  readonly upstream: string;
  /** A refused or throttled credential rests a minute; with many of them no check has to wait for another. */
  readonly keys?: number;
  readonly maxAttempts?: number;
  /** For headers, first content and silence between content. */
  readonly phaseTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  /** Further lines of `models:`, indented by two. */
  readonly models?: string;
  /** Further lines of `providers:`, indented by two. */
  readonly providers?: string;
  readonly cache?: boolean;
  /** Further members of `reliability:`, as they stand in a flow mapping. */
  readonly reliability?: string;
}

/** The one-file configuration under which the product meets the fault upstream: every `f:*` goes there, unmapped. */
export function faultConfiguration(options: FaultConfiguration): string {
  const { keys = 24, maxAttempts = 3, phaseTimeoutMs = 1_200, totalTimeoutMs = 8_000 } = options;
  const secrets = Array.from({ length: keys }, (_, at) => `sk-UPSTREAMSECRET-${at}`).join(', ');
  return `
providers:
  fault: { kind: openai-compatible, base_url: "${options.upstream}", api_keys: [${secrets}] }
  # A second one: with a single provider every model's name would go there.
  second: { kind: openai-compatible, base_url: "${options.upstream}", api_key: sk-UPSTREAMSECRET-second }
${options.providers ?? ''}
models:
  "f:*": { targets: [ { provider: fault, model: "f:*" } ] }
${options.models ?? ''}
reliability: { max_attempts: ${maxAttempts}, connect_timeout_ms: 1000, headers_timeout_ms: ${phaseTimeoutMs}, first_token_timeout_ms: ${phaseTimeoutMs}, idle_timeout_ms: ${phaseTimeoutMs}, total_timeout_ms: ${totalTimeoutMs}${options.reliability === undefined ? '' : `, ${options.reliability}`} }
cache: { exact: ${options.cache === true}, semantic: { enabled: false, max_error: 0.01 }, ttl_s: 3600 }
`;
}
