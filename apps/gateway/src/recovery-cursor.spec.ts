import { describe, expect, it } from 'vitest';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import { recoverDangling } from '#receipts/usecases/recover-dangling.js';
import { RecoveryCursor } from './recovery-cursor.js';

const NOW = '2026-01-01T00:01:00.000Z';
const SEALED = '01890000-0000-7000-8000-000000000001';
const DANGLING = '01890000-0000-7000-8000-000000000002';

function accepted(receiptId: string): NewRecord {
  const data: RequestAccepted = {
    receiptId,
    tenantId: 'acme',
    projectId: 'default',
    apiKeyId: 'k1',
    userId: '',
    traceId: '0'.repeat(32),
    environment: 'default',
    tags: {},
    acceptedAt: '2026-01-01T00:00:00.000Z',
    api: 'chat.completions',
    streamed: false,
    requestedModel: 'smart',
    requestCommitment: 'aa',
    cache: { result: 'miss', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: null },
    route: { policyHash: 'p', rule: null, reason: 'declared_model', task: null, baselineModel: null },
    decision: null,
  };
  return encodeEvent('nextmodel.request.accepted.v1', `${receiptId}/accepted`, receiptId, data.acceptedAt, data);
}

/** Keeps its places as a disk does, and takes no more of them after some saves, as a process that was killed. */
class DyingCheckpoints implements CheckpointStore {
  readonly places = new Map<string, bigint>();

  constructor(private savesLeft: number) {}

  async load(_group: string, topic: string): Promise<bigint | null> {
    return this.places.get(topic) ?? null;
  }

  async save(_group: string, topic: string, _partition: number, nextOffset: bigint): Promise<void> {
    if (this.savesLeft <= 0) throw new Error('killed');
    this.savesLeft -= 1;
    this.places.set(topic, nextOffset);
  }

  async remove(): Promise<void> {
    this.places.clear();
  }
}

describe('the place from which a start looks for requests without a receipt', () => {
  it.each([0, 1, 2, 3])('seals no request twice when the process died after %d of its saves', async (saves) => {
    const { writer, reader } = createMemoryLog();
    await writer.append([accepted(SEALED)]).durable;
    await writer.append(await recoverDangling(reader, 0, new Map(), NOW)).durable;
    const checkpoints = new DyingCheckpoints(saves);
    await new RecoveryCursor(reader, checkpoints, 0).advance().catch(() => undefined);
    await writer.append([accepted(DANGLING)]).durable;

    const from = await new RecoveryCursor(reader, checkpoints, 0).load();
    const found = await recoverDangling(reader, 0, from, NOW);

    expect(checkpoints.places.size).toBe(saves);
    expect(found.map(({ key, topic }) => [topic, key])).toEqual([[TOPICS.receipts, DANGLING]]);
  });

  it('stays before a request that was open when it was taken, until that is sealed', async () => {
    const { writer, reader } = createMemoryLog();
    const checkpoints = new DyingCheckpoints(Infinity);
    const cursor = new RecoveryCursor(reader, checkpoints, 0);
    cursor.opened(DANGLING);
    await writer.append([accepted(DANGLING)]).durable;

    await cursor.advance();
    const before = checkpoints.places.size;
    cursor.sealed(DANGLING);
    await cursor.advance();

    expect(before).toBe(0);
    expect(checkpoints.places.get(TOPICS.requests)).toBe(1n);
  });
});
