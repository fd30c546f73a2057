import { createHash } from 'node:crypto';
import type { QdrantClient } from '@qdrant/js-client-rest';
import { RouterError } from '#events/domain/router-error.js';
import { guarded, statusOf } from './qdrant-faults.js';
import { isRecord, standInVector } from './qdrant-points.js';

/** Names of one embedder's collections: an alias in use, numbered generations behind it. */
export function aliasOf(embedderId: string): string {
  return `nextmodel-cache-${createHash('sha256').update(embedderId, 'utf8').digest('hex').slice(0, 12)}`;
}

const generationName = (alias: string, n: number): string => `${alias}-g${String(n).padStart(6, '0')}`;

/** A known point that must come back when the store is sound. In a scope that no request has. */
export const CANARY = { id: '00000000-0000-8000-8000-000000000000', scope: 'nextmodel-canary' };

/**
 * `m: 16` on purpose: graphs per tenant alone lose hits where the entry point of a scope is expired or deleted.
 * `is_tenant` keeps a scope's points together; the other indexes build no graphs.
 */
const settings = (dimensions: number) => ({
  vectors: { size: dimensions, distance: 'Cosine' as const, on_disk: true },
  hnsw_config: { m: 16, payload_m: 16 },
  quantization_config: { scalar: { type: 'int8' as const, quantile: 0.99, always_ram: true } },
  on_disk_payload: true,
  strict_mode_config: { enabled: true, unindexed_filtering_retrieve: false, unindexed_filtering_update: false },
});

const INDEXES = [
  ['scope', { type: 'keyword', is_tenant: true }],
  ['tenant', { type: 'keyword', enable_hnsw: false }],
  ['receipt', { type: 'keyword', enable_hnsw: false }],
  ['expires_at', { type: 'integer', lookup: false, range: true, enable_hnsw: false }],
  ['stored_at', { type: 'integer', lookup: false, range: true, enable_hnsw: false }],
] as const;

/** The collection behind the alias; `null` when there is no alias yet. */
export async function collectionBehind(client: QdrantClient, alias: string): Promise<string | null> {
  const { aliases } = await guarded('aliases', () => client.getAliases());
  return aliases.find(({ alias_name }) => alias_name === alias)?.collection_name ?? null;
}

/** Makes what is missing. Safe to run from many processes at once. */
export async function ensureSchema(client: QdrantClient, alias: string, dimensions: number): Promise<void> {
  const present = await collectionBehind(client, alias);
  if (present !== null) {
    await checkCollection(client, present, dimensions);
    return;
  }
  const first = generationName(alias, 1);
  await createGeneration(client, first, dimensions);
  await pointAlias(client, alias, first);
}

export async function createGeneration(client: QdrantClient, name: string, dimensions: number): Promise<void> {
  try {
    await client.createCollection(name, settings(dimensions));
  } catch (error) {
    // 409: another process was faster. What it made is checked below.
    if (statusOf(error) !== 409) await guarded('create collection', () => Promise.reject(error as Error));
  }
  await checkCollection(client, name, dimensions);
  for (const [field_name, field_schema] of INDEXES) {
    await guarded('create index', () => client.createPayloadIndex(name, { field_name, field_schema, wait: true }));
  }
  await guarded('canary', () =>
    client.upsert(name, {
      wait: true,
      points: [
        {
          id: CANARY.id,
          vector: standInVector(dimensions),
          payload: {
            scope: CANARY.scope,
            tenant: '',
            epoch: 0,
            stored_at: 0,
            expires_at: Number.MAX_SAFE_INTEGER,
            receipt: '',
            sealed: '',
            key_id: '',
          },
        },
      ],
    }),
  );
}

/** A single action, target checked first: delete and create in one call are not atomic when the second fails. */
export async function pointAlias(client: QdrantClient, alias: string, collection: string): Promise<void> {
  await guarded('switch alias', async () => {
    await client.getCollection(collection);
    await client.updateCollectionAliases({
      actions: [{ create_alias: { collection_name: collection, alias_name: alias } }],
    });
  });
}

export async function nextGeneration(client: QdrantClient, alias: string): Promise<string> {
  const { collections } = await guarded('collections', () => client.getCollections());
  let highest = 0;
  for (const { name } of collections) {
    const n = name.startsWith(`${alias}-g`) ? Number(name.slice(alias.length + 2)) : 0;
    if (n > highest) highest = n;
  }
  return generationName(alias, highest + 1);
}

/** Unknown fields of a create are ignored by the server, so what it made of ours is read back. */
async function checkCollection(client: QdrantClient, name: string, dimensions: number): Promise<void> {
  const { config } = await guarded('collection', () => client.getCollection(name));
  const { vectors } = config.params;
  const fits =
    isRecord(vectors) && vectors['size'] === dimensions && vectors['distance'] === 'Cosine' && config.hnsw_config.m > 0;
  if (fits) return;
  throw new RouterError({
    code: 'configuration',
    publicMessage: `The Qdrant collection ${name} has other settings than this version needs (size ${dimensions}, Cosine, m 16). Delete it and run "nextmodel replay cache".`,
  });
}
