import { describe, expect, it, vi } from 'vitest';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import { createContentCipher, createMemoryIndex, loadStaticEmbedder } from '#semantic-cache/semantic-cache.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { INDEXER_GROUP, runIndexer } from './run-indexer.js';

const cipher = createContentCipher('ab'.repeat(32));
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

function stored(n: number): NewRecord {
  const scope = `scope-${n}`;
  const content = {
    question: 'How do I bake bread?',
    exactHash: `${n}`,
    answer: {},
    provider: 'p',
    model: 'm',
    costPicoUsd: null,
    scope,
  };
  const { keyId, sealed } = cipher.seal('acme', JSON.stringify(content));
  const [storedAt, expiresAt] = ['2026-11-24T12:00:00.000Z', '2999-01-01T00:00:00.000Z'];
  const event = {
    receiptId: `r${n}`,
    tenantId: 'acme',
    subject: 'acme',
    keyId,
    storedAt,
    expiresAt,
    scope,
    epoch: 1,
    sealed,
  };
  return encodeEvent('nextmodel.content.stored.v1', `r${n}/content`, 'acme', storedAt, event);
}

describe('the cache indexer', () => {
  it('moves stored answers into the index, puts aside what it cannot read and saves its place', async () => {
    const log = createMemoryLog();
    const index = createMemoryIndex();
    const aside: string[] = [];
    const running = await runIndexer({
      subscriber: log.subscriber,
      index,
      embedder: await loadStaticEmbedder(),
      cipher,
      deadLetter: (record) => {
        aside.push(`${record.topic}:${record.offset}`);
        return Promise.resolve();
      },
      logger: silent,
    });

    log.writer.append([stored(1), { ...stored(2), value: '{' }, stored(3)]);

    await vi.waitFor(async () => expect(await index.count()).toBe(2));
    await vi.waitFor(async () => expect(await log.checkpoints.load(INDEXER_GROUP, 'nextmodel.content', 0)).toBe(3n));
    expect(aside).toEqual(['nextmodel.content:1']);
    await running.stop();
    await log.subscriber.close();
  });

  it('waits for an index that is away and loses nothing', async () => {
    const log = createMemoryLog();
    const inner = createMemoryIndex();
    let away = true;
    const index = {
      ...inner,
      upsert: (...points: Parameters<typeof inner.upsert>) =>
        away ? Promise.reject(new Error('away')) : inner.upsert(...points),
    };
    const running = await runIndexer({
      subscriber: log.subscriber,
      index: Object.assign(Object.create(inner) as typeof inner, { upsert: index.upsert }),
      embedder: await loadStaticEmbedder(),
      cipher,
      deadLetter: () => Promise.resolve(),
      logger: silent,
    });
    log.writer.append([stored(1)]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await log.checkpoints.load(INDEXER_GROUP, 'nextmodel.content', 0)).not.toBe(1n);

    away = false;

    await vi.waitFor(async () => expect(await inner.count()).toBe(1), { timeout: 5_000 });
    await running.stop();
    await log.subscriber.close();
  });
});
