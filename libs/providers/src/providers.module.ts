import type { ProviderSettings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import { anthropicAdapter } from './adapters/anthropic/anthropic-adapter.js';
import { arkAdapter } from './adapters/ark/ark-adapter.js';
import { demoAdapter } from './adapters/demo/demo-adapter.js';
import { DEMO_MODELS } from './adapters/demo/demo-models.js';
import { openDemoServer, type DemoUpstream } from './adapters/demo/demo-server.js';
import { AxiosModelCatalogue } from './adapters/model-catalogue/axios-model-catalogue.js';
import { openAiAdapter } from './adapters/openai/openai-adapter.js';
import { openAiCompatibleAdapter } from './adapters/openai-compatible/openai-compatible-adapter.js';
import { openRouterAdapter } from './adapters/openrouter/openrouter-adapter.js';
import type { ModelCatalogue } from './ports/model-catalogue.js';
import { PROVIDER_KINDS, type ProviderAdapter, type ProviderKind } from './ports/provider-adapter.js';
import type { Provider, ProviderRegistry } from './ports/provider-registry.js';

const ADAPTERS: { readonly [K in ProviderKind]: ProviderAdapter } = {
  openai: openAiAdapter,
  'openai-compatible': openAiCompatibleAdapter,
  openrouter: openRouterAdapter,
  ark: arkAdapter,
  anthropic: anthropicAdapter,
  demo: demoAdapter,
};

/**
 * Providers as configured. A provider without keys gets one credential with an empty key, which is sent without
 * authorization; keys are numbered from 1 in their order: `<provider>/1`.
 *
 * @param demoBaseUrl of `startDemoUpstream`; needed when a provider of kind `demo` is configured
 * @throws RouterError `configuration` for an unknown kind, or a provider whose base URL is nowhere
 */
export function createProviderRegistry(
  settings: Readonly<Record<string, ProviderSettings>>,
  demoBaseUrl?: string,
): ProviderRegistry {
  const providers = new Map<string, Provider>();
  for (const [name, one] of Object.entries(settings)) providers.set(name, toProvider(name, one, demoBaseUrl));
  return { get: (name) => providers.get(name), names: [...providers.keys()] };
}

/** Starts the built-in provider on a free port of the loopback address. Close it to let the process end. */
export function startDemoUpstream(): Promise<DemoUpstream> {
  return openDemoServer();
}

/** Asks providers which models they have. For the background only: never on the request path. */
export function createModelCatalogue(): ModelCatalogue {
  return new AxiosModelCatalogue();
}

function toProvider(name: string, settings: ProviderSettings, demoBaseUrl: string | undefined): Provider {
  if (!isKind(settings.kind)) {
    throw configuration(`Provider "${name}": "${settings.kind}" is none of ${PROVIDER_KINDS.join(', ')}.`);
  }
  const adapter = ADAPTERS[settings.kind];
  const demo = settings.kind === 'demo';
  const baseUrl = settings.baseUrl ?? (demo ? demoBaseUrl : adapter.defaultBaseUrl);
  if (baseUrl === undefined || baseUrl === null) throw configuration(`Provider "${name}" needs a base_url.`);
  const keys = settings.apiKeys.length === 0 ? [''] : settings.apiKeys;
  return {
    name,
    adapter,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    credentials: keys.map((apiKey, at) => ({ id: `${name}/${at + 1}`, apiKey })),
    models: demo && settings.models.length === 0 ? DEMO_MODELS : settings.models,
  };
}

const isKind = (kind: string): kind is ProviderKind => (PROVIDER_KINDS as readonly string[]).includes(kind);
const configuration = (publicMessage: string): RouterError => new RouterError({ code: 'configuration', publicMessage });
