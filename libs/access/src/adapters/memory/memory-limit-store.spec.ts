import { describeLimitStore } from '../../ports/limit-store.contract.js';
import { MemoryLimitStore } from './memory-limit-store.js';

describeLimitStore('memory', async () => new MemoryLimitStore());
