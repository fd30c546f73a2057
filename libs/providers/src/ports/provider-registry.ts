import type { ProviderAdapter } from './provider-adapter.js';

/** One credential of one provider. The key itself stays out of logs, events and errors. */
export interface Credential {
  /** Stable and harmless: `<provider>/1`, … */
  readonly id: string;
  readonly apiKey: string;
}

/** A configured provider. */
export interface Provider {
  readonly name: string;
  readonly adapter: ProviderAdapter;
  /** Without a trailing slash, `/v1` included. */
  readonly baseUrl: string;
  readonly credentials: readonly Credential[];
  /** Model names known without asking, for `/v1/models`; empty when the provider is open-ended. */
  readonly models: readonly string[];
}

export interface ProviderRegistry {
  get(name: string): Provider | undefined;
  readonly names: readonly string[];
}
