import { join } from 'node:path';
import { decodeEvent } from '#events/domain/event-codec.js';
import { TOPICS } from '#events/domain/topics.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { openSegmentReader } from '#event-log/event-log.module.js';
import { SQL_PASSWORD } from './gateway-process.js';
import type { ReceiptEntry, RowEntry, StepEntry } from './history-checker.js';

const READ = { recordsMax: 5_000, bytesMax: 16 * 1024 * 1024, waitMs: 0 };
const PICO_DIGITS = 12;

/** Receipts and steps of all requests, as the log on disk has them. */
export async function readLog(
  dataDirectory: string,
): Promise<{ readonly receipts: ReceiptEntry[]; readonly steps: StepEntry[] }> {
  const reader = openSegmentReader({ directory: join(dataDirectory, 'log') });
  const receipts: ReceiptEntry[] = [];
  const steps: StepEntry[] = [];
  try {
    for (const topic of [TOPICS.requests, TOPICS.responses, TOPICS.receipts]) {
      for (const partition of await reader.partitions(topic)) {
        for (let offset = 0n; ;) {
          const batch = await reader.read({ topic, partition, offset }, READ);
          for (const record of batch.records) {
            const decoded = decodeEvent(record);
            if (!decoded.ok) throw new Error(`a record of ${topic} cannot be read: ${decoded.reason}`);
            take(decoded.event, receipts, steps);
          }
          if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
          offset = batch.nextOffset;
        }
      }
    }
  } finally {
    await reader.close();
  }
  return { receipts, steps };
}

function take(event: RouterEvent, receipts: ReceiptEntry[], steps: StepEntry[]): void {
  switch (event.type) {
    case 'nextmodel.request.accepted.v1':
      steps.push({ receiptId: event.data.receiptId, step: 'accepted', n: 0 });
      break;
    case 'nextmodel.attempt.started.v1':
      steps.push({ receiptId: event.data.receiptId, step: 'started', n: event.data.n });
      break;
    case 'nextmodel.attempt.finished.v1':
      steps.push({ receiptId: event.data.receiptId, step: 'finished', n: event.data.n });
      break;
    case 'nextmodel.response.completed.v1':
      steps.push({ receiptId: event.data.receiptId, step: 'completed', n: 0 });
      break;
    case 'nextmodel.receipt.sealed.v1': {
      const { receiptId, tags, tenantId, status, streamComplete, costPicoUsd, attempts } = event.data;
      steps.push({ receiptId, step: 'sealed', n: 0 });
      receipts.push({
        receiptId,
        id: tags['case'] ?? receiptId,
        tenantId,
        status,
        streamComplete,
        costPicoUsd,
        attempts: attempts.map((attempt) => ({
          n: attempt.n,
          billed: attempt.billed,
          costPicoUsd: attempt.costPicoUsd,
        })),
      });
      break;
    }
    default:
      break;
  }
}

/** Receipts in the tables, through the read-only user. */
export async function readRows(sqlPort: number): Promise<RowEntry[]> {
  const response = await fetch(`http://127.0.0.1:${sqlPort}/?database=nextmodel&default_format=JSONCompact`, {
    method: 'POST',
    body: 'SELECT toString(receipt_id), toString(status), tenant_id, toString(cost_usd), attempts FROM receipts FINAL',
    headers: { 'x-clickhouse-user': 'audit', 'x-clickhouse-key': SQL_PASSWORD },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`SQL answered ${response.status}: ${text.slice(0, 300)}`);
  const { data } = JSON.parse(text) as { data: [string, string, string, string | null, number][] };
  return data.map(([receiptId, status, tenantId, cost, attempts]) => ({
    receiptId,
    status,
    tenantId,
    costPicoUsd: cost === null ? null : toPico(cost),
    attempts: Number(attempts),
  }));
}

/** Exact decimal text of dollars as an integer of 10^-12. */
function toPico(usd: string): string {
  const [whole = '0', fraction = ''] = usd.split('.');
  return BigInt(whole + fraction.padEnd(PICO_DIGITS, '0')).toString();
}
