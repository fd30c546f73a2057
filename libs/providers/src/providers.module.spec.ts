import type { ProviderSettings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import { describe, expect, it } from 'vitest';
import { createProviderRegistry } from './providers.module.js';

const settings = (more: Partial<ProviderSettings>): ProviderSettings => ({
  kind: 'openai',
  baseUrl: null,
  apiKeys: ['k1'],
  models: [],
  ...more,
});

describe('createProviderRegistry', () => {
  it('numbers credentials and takes the base URL of the kind', () => {
    const registry = createProviderRegistry({ main: settings({ apiKeys: ['k1', 'k2'] }) });

    expect(registry.names).toEqual(['main']);
    expect(registry.get('main')).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      credentials: [
        { id: 'main/1', apiKey: 'k1' },
        { id: 'main/2', apiKey: 'k2' },
      ],
    });
  });

  it('gives one empty credential to a provider without keys, and cuts a last slash', () => {
    const registry = createProviderRegistry({
      local: settings({ kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1/', apiKeys: [] }),
    });

    expect(registry.get('local')).toMatchObject({
      baseUrl: 'http://127.0.0.1:1/v1',
      credentials: [{ id: 'local/1', apiKey: '' }],
    });
  });

  it('knows the models of the demo, which needs its address', () => {
    const demo = settings({ kind: 'demo', apiKeys: [] });

    expect(createProviderRegistry({ demo }, 'http://127.0.0.1:9/v1').get('demo')).toMatchObject({
      baseUrl: 'http://127.0.0.1:9/v1',
      models: ['demo-small', 'demo-large', 'demo-failing', 'demo-embed'],
    });
    expect(() => createProviderRegistry({ demo })).toThrow(RouterError);
  });

  it('refuses an unknown kind and a kind without a base URL', () => {
    expect(() => createProviderRegistry({ a: settings({ kind: 'constructor' }) })).toThrow(/none of openai/);
    expect(() => createProviderRegistry({ a: settings({ kind: 'openai-compatible' }) })).toThrow(/needs a base_url/);
  });

  it('takes prototype names for unknown providers', () => {
    const registry = createProviderRegistry({});

    expect(registry.get('constructor')).toBeUndefined();
    expect(registry.get('__proto__')).toBeUndefined();
  });
});
