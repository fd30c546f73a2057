import { PROVIDER_KEY_VARIABLES } from './environment-variables.js';
import type {
  AutoSettings,
  CacheSettings,
  HedgeSettings,
  ModelSettings,
  PriceSettings,
  ProviderSettings,
  ReliabilitySettings,
  Settings,
  TargetSettings,
  TransparencySettings,
} from './settings.js';

export const DEFAULT_RELIABILITY: ReliabilitySettings = {
  attemptsMax: 3,
  connectTimeoutMs: 3000,
  headersTimeoutMs: 120_000,
  firstTokenTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  totalTimeoutMs: 600_000,
  slowReaderMs: 30_000,
  drainMs: 30_000,
  requestsMax: 4_096,
  shedLagMs: 500,
  lagAlarmMs: 100,
  requestsPerKeyMax: 50,
  requestsPerAddressMax: 0,
  trustedProxies: [],
  clientHeadersMs: 10_000,
  clientRequestMs: 60_000,
};
/** Of a model that hedges without saying more. */
export const DEFAULT_HEDGE: HedgeSettings = { afterPercentile: 95, shareMax: 0.02 };
export const DEFAULT_CACHE: CacheSettings = {
  exact: true,
  semantic: { enabled: false, maxError: 0.01, embedder: null },
  ttlSeconds: 86_400,
};
export const DEFAULT_PRICES: PriceSettings = { files: [], unpriced: 'allow' };
export const DEFAULT_TRANSPARENCY: TransparencySettings = {
  webhooks: [],
  witnesses: [],
  witnessEveryMs: 60_000,
  exportCheckpoints: false,
};
export const DEFAULT_STRONG_SHARE = 0.3;

type Found = Pick<Settings, 'providers' | 'models'> & { readonly auto: AutoSettings };

/** Models of each provider that serve the aliases `cheap` and `smart` when no file says otherwise. */
const USUAL_MODELS: Readonly<Record<string, { readonly cheap: string; readonly smart: string }>> = {
  openai: { cheap: 'gpt-5-mini', smart: 'gpt-5' },
  anthropic: { cheap: 'claude-haiku-4-5', smart: 'claude-sonnet-4-5' },
  openrouter: { cheap: 'openai/gpt-5-mini', smart: 'openai/gpt-5' },
  ark: { cheap: 'doubao-seed-1-6-flash-250828', smart: 'doubao-seed-1-6-251015' },
};

/**
 * What works without a file. Keys in the environment make providers and the aliases `cheap` and `smart`, each trying
 * the found providers in turn; no key at all makes the `demo` provider, which needs no network.
 */
export function providersFromEnvironment(env: Readonly<Record<string, string | undefined>>): Found {
  const providers: Record<string, ProviderSettings> = {};
  const cheap: TargetSettings[] = [];
  const smart: TargetSettings[] = [];
  for (const [variable, { name, kind }] of Object.entries(PROVIDER_KEY_VARIABLES)) {
    const apiKey = env[variable]?.trim() ?? '';
    if (apiKey === '') continue;
    providers[name] = { kind, baseUrl: null, apiKeys: [apiKey], models: [] };
    const usual = USUAL_MODELS[name];
    if (usual === undefined) continue;
    cheap.push({ provider: name, model: usual.cheap, weight: 1 });
    smart.push({ provider: name, model: usual.smart, weight: 1 });
  }
  if (cheap.length === 0) return DEMO;
  return {
    providers,
    models: { cheap: inOrder(cheap), smart: inOrder(smart) },
    auto: auto('cheap', 'smart'),
  };
}

/** Adds a local Ollama that was found at start: provider `ollama`, and its models under their own names. */
export function withOllama(settings: Settings, models: readonly string[], baseUrl = OLLAMA_BASE_URL): Settings {
  const known = Object.entries(settings.providers).some(
    ([name, provider]) => name === 'ollama' || provider.baseUrl === baseUrl,
  );
  if (known || models.length === 0) return settings;
  const aliases: Record<string, ModelSettings> = { ...settings.models };
  for (const model of models) {
    if (!Object.hasOwn(aliases, model)) aliases[model] = inOrder([{ provider: 'ollama', model, weight: 1 }]);
  }
  const ollama: ProviderSettings = { kind: 'openai-compatible', baseUrl, apiKeys: [], models: [...models] };
  return { ...settings, providers: { ...settings.providers, ollama }, models: aliases };
}
export const OLLAMA_BASE_URL = 'http://127.0.0.1:11434/v1';

const inOrder = (targets: readonly TargetSettings[]): ModelSettings => ({ strategy: 'order', targets });
const auto = (weak: string, strong: string): AutoSettings => ({
  weak,
  strong,
  classifier: 'builtin',
  strongShare: DEFAULT_STRONG_SHARE,
  abstain: strong,
});

const DEMO: Found = {
  providers: { demo: { kind: 'demo', baseUrl: null, apiKeys: [], models: [] } },
  models: {
    'demo-small': inOrder([{ provider: 'demo', model: 'demo-small', weight: 1 }]),
    'demo-large': inOrder([{ provider: 'demo', model: 'demo-large', weight: 1 }]),
  },
  auto: auto('demo-small', 'demo-large'),
};
