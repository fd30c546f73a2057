import { describeKeyRing } from '../../ports/key-ring.contract.js';
import { MemoryKeyRing } from './memory-key-ring.js';

describeKeyRing('memory', () => new MemoryKeyRing());
