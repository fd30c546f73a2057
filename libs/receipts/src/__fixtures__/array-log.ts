import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader, ReadLimits, RecordBatch, TopicPosition } from '#event-log/ports/event-log.js';

export function sealedRecord(receipt: Receipt): NewRecord {
  const { receiptId, sealedAt } = receipt;
  return encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, sealedAt, receipt);
}

export function adjustedRecord(adjustment: ReceiptAdjusted): NewRecord {
  const { receiptId, seq, adjustedAt } = adjustment;
  return encodeEvent('nextmodel.receipt.adjusted.v1', `${receiptId}/adjusted/${seq}`, receiptId, adjustedAt, adjustment);
}

/** The receipts topic as arrays, one for each partition. */
export class ArrayLog implements EventLogReader {
  readonly #partitions = new Map<number, StoredRecord[]>();

  append(partition: number, ...records: readonly NewRecord[]): void {
    const list = this.#partitions.get(partition) ?? [];
    this.#partitions.set(partition, list);
    for (const record of records) {
      const value = typeof record.value === 'string' ? new TextEncoder().encode(record.value) : record.value;
      list.push({ ...record, topic: TOPICS.receipts, partition, offset: BigInt(list.length), value });
    }
  }

  batch(partition: number, from: number, to: number): RecordBatch {
    const list = this.#partitions.get(partition) ?? [];
    return {
      topic: TOPICS.receipts,
      partition,
      records: list.slice(from, to),
      nextOffset: BigInt(to),
      headOffset: BigInt(list.length),
    };
  }

  async partitions(): Promise<readonly number[]> {
    return [...this.#partitions.keys()];
  }

  async bounds(_topic: string, partition: number): Promise<{ readonly first: bigint; readonly head: bigint }> {
    return { first: 0n, head: BigInt(this.#partitions.get(partition)?.length ?? 0) };
  }

  async read({ partition, offset }: TopicPosition, { recordsMax }: ReadLimits): Promise<RecordBatch> {
    const length = this.#partitions.get(partition)?.length ?? 0;
    return this.batch(partition, Number(offset), Math.min(Number(offset) + recordsMax, length));
  }

  async close(): Promise<void> {}
}
