import { receiptStoreContract } from '../../ports/receipt-store.contract.js';
import { MemoryReceiptStore } from './memory-receipt-store.js';

receiptStoreContract('memory', async () => new MemoryReceiptStore());
