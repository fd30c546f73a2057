import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import { TOPICS } from '#events/domain/topics.js';
import { bookedAt, type BookedAdjustment } from '../domain/booked-adjustment.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

/** Which receipts, by the time of acceptance: from inclusive, to exclusive. */
export interface ReceiptWindow {
  readonly fromMs: number;
  readonly toMs: number;
  /** Default: all tenants. */
  readonly tenantId?: string;
}

export interface ScannedReceipt {
  readonly receipt: Receipt;
  /** By `seq`, each once. */
  readonly adjustments: readonly BookedAdjustment[];
}

const READ = { recordsMax: 5_000, bytesMax: 16 * 1024 * 1024, waitMs: 0 };
const ADJUSTED = 'nextmodel.receipt.adjusted.v1';
const SEALED = 'nextmodel.receipt.sealed.v1';

/**
 * All adjustments of the log by receipt, in the order of `seq`, with the time that each is booked at; one that was
 * written twice counts once, the first.
 */
export async function readAdjustments(
  reader: EventLogReader,
): Promise<ReadonlyMap<string, readonly BookedAdjustment[]>> {
  const found = new Map<string, BookedAdjustment[]>();
  /** By partition: the latest time at which a receipt before the present place was sealed. */
  const sealedMs = new Map<number, number>();
  for await (const record of records(reader)) {
    const before = sealedMs.get(record.partition) ?? 0;
    if (record.headers['ce_type'] === SEALED) {
      sealedMs.set(record.partition, Math.max(before, Date.parse(record.headers['ce_time'] ?? '') || 0));
    }
    if (record.headers['ce_type'] !== ADJUSTED) continue;
    const decoded = decodeEvent(record);
    if (!decoded.ok || decoded.event.type !== ADJUSTED) continue;
    const { data } = decoded.event;
    const list = found.get(data.receiptId) ?? [];
    found.set(data.receiptId, list);
    if (!list.some(({ seq }) => seq === data.seq)) list.push({ ...data, bookedAt: bookedAt(data, before) });
  }
  for (const list of found.values()) list.sort((a, b) => a.seq - b.seq);
  return found;
}

/**
 * Reads the receipts of a window from the log, each once (the first one sealed counts), with all its adjustments.
 * Reads the whole topic; holds the ids of the window's receipts and all adjustments in memory.
 */
export async function* scanReceipts(reader: EventLogReader, window: ReceiptWindow): AsyncGenerator<ScannedReceipt> {
  const adjustments = await readAdjustments(reader);
  const seen = new Set<string>();
  for await (const record of records(reader)) {
    if (record.headers['ce_type'] !== SEALED) continue;
    const decoded = decodeEvent(record);
    if (!decoded.ok || decoded.event.type !== SEALED) continue;
    const receipt = decoded.event.data;
    const atMs = Date.parse(receipt.acceptedAt);
    if (atMs < window.fromMs || atMs >= window.toMs || seen.has(receipt.receiptId)) continue;
    if (window.tenantId !== undefined && receipt.tenantId !== window.tenantId) continue;
    seen.add(receipt.receiptId);
    yield { receipt, adjustments: adjustments.get(receipt.receiptId) ?? [] };
  }
}

async function* records(reader: EventLogReader): AsyncGenerator<StoredRecord> {
  for (const partition of await reader.partitions(TOPICS.receipts)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.receipts, partition, offset }, READ);
      yield* batch.records;
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
}
