import { suggestion } from './did-you-mean.js';
import type { Section } from './section.js';
import type { ProviderSettings } from './settings.js';

/** The kinds of `providers/ports/provider-adapter.ts`. */
const PROVIDER_KINDS = ['openai', 'openai-compatible', 'openrouter', 'ark', 'anthropic', 'demo'] as const;
export const PROVIDER_FIELDS = ['kind', 'base_url', 'api_key', 'api_keys', 'models'] as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** `providers:` of the file. */
export function parseProviders(root: Section): Record<string, ProviderSettings> {
  const all = root.section('providers', null);
  const providers: Record<string, ProviderSettings> = {};
  for (const name of all.names) {
    if (!NAME.test(name)) all.report(name, 'a provider name has letters, digits, dots, dashes and underscores');
    else providers[name] = parseProvider(all.section(name, PROVIDER_FIELDS));
  }
  return providers;
}

function parseProvider(section: Section): ProviderSettings {
  const kind = section.requiredString('kind');
  if (kind !== '' && !(PROVIDER_KINDS as readonly string[]).includes(kind)) {
    section.report('kind', `"${kind}" is no provider kind${suggestion(kind, PROVIDER_KINDS)}`);
  }
  return {
    kind,
    baseUrl: parseBaseUrl(section, kind),
    apiKeys: parseKeys(section, kind),
    models: section.strings('models').map(({ text }) => text),
  };
}

function parseBaseUrl(section: Section, kind: string): string | null {
  const text = section.string('base_url');
  if (text === null) {
    if (kind === 'openai-compatible' && !section.has('base_url')) {
      section.report('base_url', 'a provider of kind openai-compatible needs a base_url, /v1 included');
    }
    return null;
  }
  if (!/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(text)) {
    section.report('base_url', 'must be an http or https URL without query, such as https://host/v1');
  }
  return text.replace(/\/+$/, '');
}

/** `api_key: none` = the provider takes requests without a key. */
function parseKeys(section: Section, kind: string): readonly string[] {
  if (section.has('api_key') && section.has('api_keys')) {
    section.report('api_keys', 'give api_key or api_keys, not both');
  }
  const single = section.string('api_key');
  const many = section.strings('api_keys').map(({ text }) => text);
  const given = single === null ? many : [single];
  if (given.some((key) => key.trim() === '')) section.report('api_key', 'is empty; write none for a provider without');
  const missing = given.length === 0 && !section.has('api_key') && !section.has('api_keys');
  if (missing && kind !== 'demo') {
    section.report('api_key', 'api_key is missing; write api_key: none for a provider that takes none');
  }
  if (new Set(given).size < given.length) section.report('api_keys', 'the same key stands here twice');
  return given.filter((key) => key !== 'none');
}
