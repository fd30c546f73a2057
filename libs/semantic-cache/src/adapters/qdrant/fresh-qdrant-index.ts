import type { FreshIndex } from '../../usecases/rebuild-index.js';
import { guarded } from './qdrant-faults.js';
import { QdrantIndex, type QdrantIndexOptions } from './qdrant-index.js';
import { aliasOf, collectionBehind, createGeneration, nextGeneration, pointAlias } from './qdrant-schema.js';

/** A new, empty generation beside the one behind the alias. */
export async function openFreshQdrantIndex(options: QdrantIndexOptions): Promise<FreshIndex> {
  const alias = aliasOf(options.embedderId);
  const manager = new QdrantIndex(options);
  const name = await nextGeneration(manager.client, alias);
  await createGeneration(manager.client, name, options.dimensions);
  const index = new QdrantIndex({ ...options, collection: name });
  const drop = (collection: string): Promise<unknown> =>
    guarded('delete collection', () => manager.client.deleteCollection(collection));
  const close = async (): Promise<void> => {
    await Promise.all([index.close(), manager.close()]);
  };
  return {
    index,
    entriesMax: null,
    async switchTo() {
      const before = await collectionBehind(manager.client, alias);
      await pointAlias(manager.client, alias, name);
      if (before !== null && before !== name) await drop(before);
      await close();
    },
    async discard() {
      await drop(name);
      await close();
    },
  };
}
