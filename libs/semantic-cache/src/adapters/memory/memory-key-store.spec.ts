import { subjectKeyStoreContract } from '../../ports/subject-key-store.contract.js';
import { MemoryKeyStore } from './memory-key-store.js';

subjectKeyStoreContract('memory', () => Promise.resolve(new MemoryKeyStore()));
