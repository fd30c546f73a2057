import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { openClickhouseStore } from '#receipts/receipts.module.js';
import { replayReceipts, type ReplayProgress, type ReplayResult } from '#receipts/usecases/replay-receipts.js';

/** Group of the receipt ingester; its checkpoint moves to where a replay ended. */
export const INGESTER_GROUP = 'receipt-ingester';

export interface ReplayReceiptsOrder {
  readonly reader: EventLogReader;
  readonly sql: { readonly url: string; readonly username: string; readonly password: string };
  /** `null` when the ingester reads Kafka: its committed offsets stay, what is stored is passed over. */
  readonly checkpoints: CheckpointStore | null;
  readonly onProgress: (progress: ReplayProgress) => void;
}

/**
 * Rebuilds the receipt tables from the log, compares counts and sums, and switches. The ingester must not run.
 * @throws RouterError `store_unavailable`.
 */
export async function replayReceiptTables(order: ReplayReceiptsOrder): Promise<ReplayResult> {
  const live = openClickhouseStore(order.sql);
  const rebuilt = openClickhouseStore({ ...order.sql, database: 'nextmodel_rebuilt' });
  try {
    return await replayReceipts({
      reader: order.reader,
      live,
      rebuilt,
      ...(order.checkpoints === null ? {} : { checkpoint: { store: order.checkpoints, group: INGESTER_GROUP } }),
      onProgress: order.onProgress,
    });
  } finally {
    await live.close();
    await rebuilt.close();
  }
}
