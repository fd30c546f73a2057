import { tileStoreContract } from '../../ports/tile-store.contract.js';
import { MemoryTileStore } from './memory-tile-store.js';

tileStoreContract('memory', async () => {
  const store = new MemoryTileStore();
  return () => store;
});
