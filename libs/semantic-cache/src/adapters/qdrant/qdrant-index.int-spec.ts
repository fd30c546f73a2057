import { randomUUID } from 'node:crypto';
import { describe, it } from 'vitest';
import { vectorIndexContract } from '../../ports/vector-index.contract.js';
import { QdrantIndex } from './qdrant-index.js';

const url = process.env['NEXTMODEL_TEST_QDRANT_URL'];

if (url === undefined) {
  describe('a vector index (Qdrant server)', () => {
    it.skip('skipped because NEXTMODEL_TEST_QDRANT_URL is not set: no server to run the contract against');
  });
} else {
  vectorIndexContract('Qdrant server at NEXTMODEL_TEST_QDRANT_URL', () =>
    Promise.resolve(
      new QdrantIndex({ url, apiKey: null, embedderId: randomUUID(), dimensions: 256, lookUpTimeoutMs: 2_000 }),
    ),
  );
}
