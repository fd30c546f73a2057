import { expect, it } from 'vitest';
import { cachePoint, vectorIndexContract } from '../../ports/vector-index.contract.js';
import { MemoryIndex } from './memory-index.js';

vectorIndexContract('memory', () => Promise.resolve(new MemoryIndex()));

it('forgets the oldest beyond its bound', async () => {
  const index = new MemoryIndex(2);

  await index.upsert([cachePoint(1), cachePoint(2), cachePoint(3)]);

  expect(await index.get(cachePoint(1).id, 0)).toBeNull();
  expect(await index.count()).toBe(2);
});
