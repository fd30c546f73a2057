import type { Settings } from './settings.js';

/** The effective configuration as plain data with every secret masked: for `config check` and support. */
export function describeSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const { environment } = settings;
  const providers = Object.entries(settings.providers).map(([name, provider]) => [
    name,
    {
      ...provider,
      baseUrl: provider.baseUrl === null ? null : maskUrl(provider.baseUrl),
      apiKeys: provider.apiKeys.map((key) => maskSecret(key)),
    },
  ]);
  return {
    ...settings,
    environment: {
      ...environment,
      sqlPassword: maskSecret(environment.sqlPassword),
      apiKey: maskSecret(environment.apiKey),
      adminToken: maskSecret(environment.adminToken),
      masterKey: maskSecret(environment.masterKey),
      qdrantApiKey: maskSecret(environment.qdrantApiKey),
      clickhouseUrl: maskUrl(environment.clickhouseUrl),
      qdrantUrl: maskUrl(environment.qdrantUrl),
      redisUrl: maskUrl(environment.redisUrl),
    },
    providers: Object.fromEntries(providers),
    transparency: {
      ...settings.transparency,
      webhooks: settings.transparency.webhooks.map((webhook) => ({ ...webhook, url: maskUrl(webhook.url) })),
      witnesses: settings.transparency.witnesses.map(({ key, address }) => ({
        key,
        address: address === null ? null : { ...address, url: maskUrl(address.url) },
      })),
    },
  };
}

/** Enough to tell two keys apart, too little to use one: the last four characters of long ones. */
function maskSecret(secret: string | null): string | null {
  if (secret === null) return null;
  return secret.length >= 20 ? `****${secret.slice(-4)}` : '****';
}

/** User and password of a URL, and the values of its query, hidden. */
function maskUrl(url: string | null): string | null {
  if (url === null) return null;
  return url.replace(/\/\/[^/@]*@/, '//****@').replace(/([?&][^=&]+=)[^&]*/g, '$1****');
}
