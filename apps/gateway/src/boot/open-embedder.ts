import { remoteEmbedder } from '#config/domain/remote-embedder.js';
import type { Settings } from '#config/domain/settings.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { Embedder } from '#semantic-cache/ports/embedder.js';
import { createRemoteEmbedder, openStoredEmbedder, remoteEmbedderId } from '#semantic-cache/semantic-cache.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { EmbeddingTarget } from '../completions/embedding-line.js';

/** Who embeds questions, as configured. `target` is whose calls stand on receipts; `null` = nobody is called. */
export async function openEmbedder(
  settings: Settings,
  registry: ProviderRegistry,
  prices: PriceBook,
  logger: Logger,
): Promise<{ readonly embedder: Embedder; readonly target: EmbeddingTarget | null }> {
  const configured = remoteEmbedder(settings);
  const provider = configured === null ? undefined : registry.get(configured.provider);
  if (configured === null || provider === undefined) {
    return { embedder: await openStoredEmbedder(configured), target: null };
  }
  const { model, dimensions, timeoutMs } = configured;
  const credential = provider.credentials[0];
  if (prices.rates(provider.name, provider.adapter.kind, model, Date.now()) === null) {
    const at = { provider: provider.name, model };
    logger.warn(at, 'the embedder has no price: receipts of questions looked up by meaning will be unpriced');
  }
  return {
    embedder: createRemoteEmbedder({
      id: remoteEmbedderId(provider.name, model, dimensions),
      baseUrl: provider.baseUrl,
      apiKey: credential?.apiKey ?? null,
      model,
      dimensions,
      timeoutMs,
    }),
    target: { provider, model, credentialId: credential?.id ?? `${provider.name}/0` },
  };
}
