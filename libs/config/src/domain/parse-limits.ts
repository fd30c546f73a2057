import { DEFAULT_CACHE, DEFAULT_PRICES, DEFAULT_RELIABILITY } from './default-settings.js';
import { parseTimeouts, TIMEOUT_FIELDS } from './parse-timeouts.js';
import type { Section } from './section.js';
import { suggestion } from './did-you-mean.js';
import type {
  CacheSettings,
  EmbedderSettings,
  PriceSettings,
  ProviderSettings,
  ReliabilitySettings,
} from './settings.js';

export const RELIABILITY_FIELDS = [
  'max_attempts',
  ...TIMEOUT_FIELDS,
  'slow_reader_ms',
  'drain_ms',
  'max_concurrent',
  'shed_lag_ms',
  'lag_alarm_ms',
  'max_concurrent_per_key',
  'max_concurrent_per_address',
  'trusted_proxies',
  'client_headers_ms',
  'client_request_ms',
] as const;
export const CACHE_FIELDS = ['exact', 'semantic', 'ttl_s'] as const;
export const SEMANTIC_FIELDS = ['enabled', 'max_error', 'embedder'] as const;
const EMBEDDER_FIELDS = ['provider', 'model', 'dimensions', 'timeout_ms'] as const;
export const PRICE_FIELDS = ['files', 'unpriced'] as const;
const REQUESTS_MAX = 100_000;
const YEAR_SECONDS = 31_536_000;

export function parseReliability(root: Section): ReliabilitySettings {
  const section = root.section('reliability', RELIABILITY_FIELDS);
  const ms = (field: string, fallback: number, min = 1): number =>
    section.number(field, fallback, { min, max: 3_600_000, integer: true });
  const requests = (field: string, fallback: number, min = 1): number =>
    section.number(field, fallback, { min, max: REQUESTS_MAX, integer: true });
  const normal = DEFAULT_RELIABILITY;
  return {
    attemptsMax: section.number('max_attempts', normal.attemptsMax, { min: 1, max: 10, integer: true }),
    connectTimeoutMs: normal.connectTimeoutMs,
    headersTimeoutMs: normal.headersTimeoutMs,
    firstTokenTimeoutMs: normal.firstTokenTimeoutMs,
    idleTimeoutMs: normal.idleTimeoutMs,
    totalTimeoutMs: normal.totalTimeoutMs,
    ...parseTimeouts(section),
    slowReaderMs: ms('slow_reader_ms', normal.slowReaderMs),
    drainMs: ms('drain_ms', normal.drainMs, 0),
    requestsMax: requests('max_concurrent', normal.requestsMax),
    shedLagMs: ms('shed_lag_ms', normal.shedLagMs),
    lagAlarmMs: ms('lag_alarm_ms', normal.lagAlarmMs),
    requestsPerKeyMax: requests('max_concurrent_per_key', normal.requestsPerKeyMax),
    requestsPerAddressMax: requests('max_concurrent_per_address', normal.requestsPerAddressMax, 0),
    trustedProxies: section.strings('trusted_proxies').map(({ text }) => text),
    clientHeadersMs: ms('client_headers_ms', normal.clientHeadersMs),
    clientRequestMs: ms('client_request_ms', normal.clientRequestMs),
  };
}

type Providers = Readonly<Record<string, ProviderSettings>>;

export function parseCache(root: Section, providers: Providers): CacheSettings {
  const section = root.section('cache', CACHE_FIELDS);
  const semantic = section.section('semantic', SEMANTIC_FIELDS);
  const normal = DEFAULT_CACHE;
  return {
    exact: section.boolean('exact', normal.exact),
    semantic: {
      enabled: semantic.boolean('enabled', normal.semantic.enabled),
      maxError: semantic.number('max_error', normal.semantic.maxError, { min: 0, max: 1 }),
      embedder: parseEmbedder(semantic, providers),
    },
    ttlSeconds: section.number('ttl_s', normal.ttlSeconds, { min: 1, max: YEAR_SECONDS, integer: true }),
  };
}

const EMBEDDER_TIMEOUT_MS = 200;

function parseEmbedder(semantic: Section, providers: Providers): EmbedderSettings | null {
  const node = semantic.node('embedder');
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return null;
  const section = semantic.section('embedder', EMBEDDER_FIELDS);
  const provider = section.requiredString('provider');
  if (provider !== '' && !Object.hasOwn(providers, provider)) {
    section.report(
      'provider',
      `no provider "${provider}" is configured${suggestion(provider, Object.keys(providers))}`,
    );
  } else if (providers[provider]?.kind === 'anthropic') {
    section.report('provider', `"${provider}" is of kind anthropic, which has no embeddings`);
  }
  const model = section.requiredString('model');
  if (!section.has('dimensions')) section.report('dimensions', '"dimensions" is missing: the length of its vectors');
  return {
    provider,
    model,
    dimensions: section.number('dimensions', 1, { min: 1, max: 8_192, integer: true }),
    timeoutMs: section.number('timeout_ms', EMBEDDER_TIMEOUT_MS, { min: 1, max: 10_000, integer: true }),
  };
}

/** @param locate makes a path absolute; `null` = there is no such file. */
export function parsePrices(root: Section, locate: (path: string) => string | null): PriceSettings {
  const section = root.section('prices', PRICE_FIELDS);
  const files = section.strings('files').flatMap(({ text, line }, index) => {
    const path = locate(text);
    if (path === null) section.report(`files[${index}]`, `there is no file ${text}`, line);
    return path === null ? [] : [path];
  });
  return { files, unpriced: section.oneOf('unpriced', ['allow', 'block', 'cap'], DEFAULT_PRICES.unpriced) };
}
