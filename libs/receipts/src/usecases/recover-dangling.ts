import type { AttemptLine } from '#events/domain/attempt.js';
import { decodeEvent, encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';
import type { AttemptStarted, RequestAccepted, ResponseCompleted, RouterEvent } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { encodeReceipt } from '../domain/encode-receipt.js';
import { sealReceipt } from '../domain/seal-receipt.js';

interface OpenRequest {
  accepted: RequestAccepted | null;
  readonly started: Map<number, AttemptStarted>;
  readonly finished: Map<number, AttemptLine>;
  completed: ResponseCompleted | null;
}

const SEALED = 'nextmodel.receipt.sealed.v1';
const READ = { recordsMax: 5_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };
const RECOVERED_TOPICS = [TOPICS.receipts, TOPICS.responses, TOPICS.requests] as const;

/**
 * Finds requests whose process died before their receipt was sealed and makes the missing receipts: status `unknown`,
 * dangling attempts `billed: unknown`, cost unpriced. Nothing is guessed to be zero.
 *
 * @param from next offset of each topic before which every request is known to be sealed; absent = from the start.
 * @returns records to append, in order; appending them twice is harmless, views take the first.
 */
export async function recoverDangling(
  reader: EventLogReader,
  partition: number,
  from: ReadonlyMap<string, bigint>,
  nowIso: string,
): Promise<readonly NewRecord[]> {
  const open = new Map<string, OpenRequest>();
  const sealed = new Set<string>();
  for (const topic of RECOVERED_TOPICS) {
    await readAll(reader, topic, partition, from.get(topic) ?? 0n, (record) => {
      // nearly all are sealed: for those the key says enough, and their text is not read
      if (record.headers['ce_type'] === SEALED) sealed.add(record.key);
      if (sealed.has(record.key)) return;
      const decoded = decodeEvent(record);
      if (decoded.ok) note(open, decoded.event);
    });
  }
  const records: NewRecord[] = [];
  for (const [receiptId, request] of open) {
    if (!sealed.has(receiptId) && request.accepted !== null)
      records.push(...recover(request.accepted, request, nowIso));
  }
  return records;
}

function note(open: Map<string, OpenRequest>, event: RouterEvent): void {
  const receiptId = 'receiptId' in event.data ? event.data.receiptId : null;
  if (typeof receiptId !== 'string') return;
  let request = open.get(receiptId);
  if (request === undefined) {
    request = { accepted: null, started: new Map(), finished: new Map(), completed: null };
    open.set(receiptId, request);
  }
  switch (event.type) {
    case 'nextmodel.request.accepted.v1':
      request.accepted = event.data;
      break;
    case 'nextmodel.attempt.started.v1':
      request.started.set(event.data.n, event.data);
      break;
    case 'nextmodel.attempt.finished.v1':
      request.finished.set(event.data.n, event.data);
      break;
    case 'nextmodel.response.completed.v1':
      request.completed = event.data;
      break;
    default:
      break;
  }
}

function recover(accepted: RequestAccepted, request: OpenRequest, nowIso: string): NewRecord[] {
  const { receiptId } = accepted;
  const numbers = [...new Set([...request.started.keys(), ...request.finished.keys()])].sort((a, b) => a - b);
  const records: NewRecord[] = [];
  const attempts: AttemptLine[] = [];
  for (const n of numbers) {
    const finished = request.finished.get(n);
    const started = request.started.get(n);
    if (finished !== undefined) {
      attempts.push(finished);
    } else if (started !== undefined) {
      const line = danglingAttempt(started);
      attempts.push(line);
      records.push(
        encodeEvent('nextmodel.attempt.finished.v1', `${receiptId}:${n}/finished`, receiptId, nowIso, {
          ...line,
          receiptId,
        }),
      );
    }
  }
  const response: ResponseCompleted = request.completed ?? {
    receiptId,
    status: 'unknown',
    httpStatus: 0,
    finishReason: null,
    streamComplete: accepted.streamed ? false : null,
    latencyMs: Math.max(0, Date.parse(nowIso) - receiptTimeMs(receiptId as ReceiptId)),
    responseCommitment: null,
  };
  const receipt = sealReceipt({
    accepted,
    attempts,
    response,
    errorCode: request.completed === null ? 'internal' : null,
    sealedAt: nowIso,
    timeToFirstTokenMs: null,
    overheadUs: 0,
    baselinePicoUsd: null,
    avoidedPicoUsd: 0n,
  });
  records.push(encodeReceipt(receipt, nowIso).record);
  return records;
}

function danglingAttempt(started: AttemptStarted): AttemptLine {
  return {
    n: started.n,
    kind: started.kind,
    provider: started.provider,
    model: started.model,
    credentialId: started.credentialId,
    providerRequestId: null,
    serviceTier: null,
    status: 'unknown',
    httpStatus: 0,
    errorCode: 'internal',
    movedOn: 'process_died',
    startedAt: started.startedAt,
    latencyMs: 0,
    timeToFirstTokenMs: null,
    billed: 'unknown',
    meters: {},
    usageSource: 'none',
    usageFlags: ['process_died'],
    usageRaw: null,
    providerCostPicoUsd: null,
    costStatus: 'unpriced',
    lines: [],
    costPicoUsd: null,
    priceId: null,
    priceHash: null,
    currency: 'USD',
    costNativePico: null,
    fxRateNano: '1000000000',
    fxDate: null,
  };
}

async function readAll(
  reader: EventLogReader,
  topic: string,
  partition: number,
  fromOffset: bigint,
  onRecord: (record: StoredRecord) => void,
): Promise<void> {
  let offset = fromOffset;
  for (;;) {
    const batch = await reader.read({ topic, partition, offset }, READ);
    for (const record of batch.records) onRecord(record);
    if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) return;
    offset = batch.nextOffset;
  }
}
