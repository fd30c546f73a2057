import { describe, expect, it } from 'vitest';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { AttemptStarted, RequestAccepted } from '#events/domain/router-event.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { recoverDangling } from './recover-dangling.js';

const NOW = '2026-01-01T00:01:00.000Z';
const id = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;

function accepted(n: number): NewRecord {
  const data: RequestAccepted = {
    receiptId: id(n),
    tenantId: 'acme',
    projectId: 'default',
    apiKeyId: 'k1',
    userId: '',
    traceId: '0'.repeat(32),
    environment: 'default',
    tags: { case: `c${n}` },
    acceptedAt: '2026-01-01T00:00:00.000Z',
    api: 'chat.completions',
    streamed: false,
    requestedModel: 'smart',
    requestCommitment: 'aa',
    cache: { result: 'miss', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: null },
    route: { policyHash: 'p', rule: null, reason: 'declared_model', task: null, baselineModel: null },
    decision: null,
  };
  return encodeEvent('nextmodel.request.accepted.v1', `${id(n)}/accepted`, id(n), data.acceptedAt, data);
}

function started(n: number, attempt: number): NewRecord {
  const data: AttemptStarted = {
    receiptId: id(n),
    n: attempt,
    kind: 'primary',
    provider: 'alpha',
    model: 'large',
    credentialId: 'alpha/1',
    startedAt: '2026-01-01T00:00:00.010Z',
  };
  return encodeEvent('nextmodel.attempt.started.v1', `${id(n)}:${attempt}/started`, id(n), data.startedAt, data);
}

const receiptsIn = (records: readonly NewRecord[]): Receipt[] =>
  records
    .filter((record) => record.topic === 'nextmodel.receipts')
    .map((record) => JSON.parse(record.value as string) as Receipt);

describe('recoverDangling', () => {
  it('gives every dispatched request without a receipt one that says unknown', async () => {
    const { writer, reader } = createMemoryLog();
    await writer.append([accepted(1), started(1, 1)]).durable;

    const records = await recoverDangling(reader, 0, new Map(), NOW);

    const [receipt] = receiptsIn(records);
    expect(receipt).toMatchObject({ receiptId: id(1), status: 'unknown', costPicoUsd: null, costStatus: 'unpriced' });
    expect(receipt?.attempts).toMatchObject([{ n: 1, status: 'unknown', billed: 'unknown' }]);
    expect(receipt?.tags).toEqual({ case: 'c1' });
  });

  it('finds nothing more once its records are in the log', async () => {
    const { writer, reader } = createMemoryLog();
    await writer.append([accepted(1), started(1, 1), accepted(2), started(2, 1)]).durable;
    await writer.append(await recoverDangling(reader, 0, new Map(), NOW)).durable;

    const again = await recoverDangling(reader, 0, new Map(), NOW);

    expect(again).toEqual([]);
  });

  it('does not look before the places that are known to be sealed', async () => {
    const { writer, reader } = createMemoryLog();
    await writer.append([accepted(1), started(1, 1), accepted(2), started(2, 1)]).durable;

    const records = await recoverDangling(reader, 0, new Map([['nextmodel.requests', 2n]]), NOW);

    expect(receiptsIn(records).map((receipt) => receipt.receiptId)).toEqual([id(2)]);
  });
});
