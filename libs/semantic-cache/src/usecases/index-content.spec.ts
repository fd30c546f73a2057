import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import type { ContentStored } from '#events/domain/router-event.js';
import type { EventLogReader, RecordBatch } from '#event-log/ports/event-log.js';
import { parseCacheControl } from '../domain/cache-policy.js';
import type { CacheKey, CacheQuestion, EmbeddedQuestion } from '../domain/cache-question.js';
import type { Embedder } from '../ports/embedder.js';
import {
  createContentCipher,
  createContentIndexer,
  createMemoryIndex,
  createSemanticCache,
  loadStaticEmbedder,
  openInProcessIndex,
  openQdrantIndex,
  rebuildInProcessIndex,
  rebuildQdrantIndex,
  STATIC_EMBEDDER_ID,
} from '../semantic-cache.module.js';
import { FakeQdrant } from '../adapters/qdrant/test/fake-qdrant.js';
import { packVector } from './embedded-vector.js';
import type { DeadContent } from './index-content.js';
import { rebuildIndex, type RebuildProgress } from './rebuild-index.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const cipher = createContentCipher('cd'.repeat(32));

function asking(text: string, tenantId = 'acme'): CacheQuestion {
  return {
    tenantId,
    body: { model: 'small', messages: [{ role: 'user', content: text }] },
    resolvedModel: 'small',
    policyHash: 'p1',
    control: parseCacheControl(undefined),
    policy: { exact: true, semantic: true, maxError: 0.01, ttlSeconds: 3_600 },
    nowMs: NOW,
  };
}

const sealing = createSemanticCache({
  index: createMemoryIndex(),
  embedder: loadStaticEmbedder,
  cipher,
  sha256Hex,
  timeBoxMs: 5_000,
});
const keyOf = (asked: CacheQuestion): CacheKey => sealing.keyOf(asked).key as CacheKey;

function stored(
  text: string,
  receiptId: string,
  change: Partial<ContentStored> = {},
  tenantId = 'acme',
  embedded?: EmbeddedQuestion,
): NewRecord {
  const asked = asking(text, tenantId);
  const key = keyOf(asked);
  const decision = sealing.decideStore(asked, key, receiptId, {
    question: key.question,
    exactHash: key.exactHash,
    answer: { choices: [{ message: { content: `about ${text}` }, finish_reason: 'stop' }] },
    provider: 'p',
    model: 'm',
    costPicoUsd: null,
    ...(embedded === undefined ? {} : { embedded }),
  });
  if (!decision.store) throw new Error(decision.reason);
  const data = { ...decision.event, ...change };
  return encodeEvent('nextmodel.content.stored.v1', `${receiptId}/content`, data.subject, data.storedAt, data);
}

const invalidated = (receiptId: string | null, scope: string | null = null): NewRecord =>
  encodeEvent('nextmodel.cache.invalidated.v1', 'i', 'acme', '2026-11-24T12:00:01.000Z', {
    tenantId: 'acme',
    receiptId,
    scope,
    invalidatedAt: '2026-11-24T12:00:01.000Z',
    reason: 'feedback',
  });

function batchOf(records: readonly NewRecord[], first = 0n): RecordBatch {
  const kept = records.map((record, i): StoredRecord => ({
    ...record,
    partition: 0,
    offset: first + BigInt(i),
    value: typeof record.value === 'string' ? new TextEncoder().encode(record.value) : record.value,
  }));
  const nextOffset = first + BigInt(records.length);
  return { topic: 'nextmodel.content', partition: 0, records: kept, nextOffset, headOffset: nextOffset };
}

function readerOf(records: readonly NewRecord[]): EventLogReader {
  const head = BigInt(records.length);
  return {
    partitions: () => Promise.resolve([0]),
    bounds: () => Promise.resolve({ first: 0n, head }),
    read: ({ offset }, { recordsMax }) =>
      Promise.resolve(batchOf(records.slice(Number(offset), Number(offset) + Math.min(recordsMax, 3)), offset)),
    close: () => Promise.resolve(),
  };
}

function setUp(change: Partial<Parameters<typeof createContentIndexer>[0]> = {}) {
  const index = createMemoryIndex();
  const dead: DeadContent[] = [];
  const letters: StoredRecord[] = [];
  const indexer = createContentIndexer({
    index,
    embedder: loadStaticEmbedder,
    cipher,
    nowMs: () => NOW + 1,
    onDead: (letter) => dead.push(letter),
    deadLetter: (record) => {
      letters.push(record);
      return Promise.resolve();
    },
    ...change,
  });
  const cache = createSemanticCache({
    index: change.index ?? index,
    embedder: loadStaticEmbedder,
    cipher,
    sha256Hex,
    timeBoxMs: 5_000,
  });
  const ask = (text: string, tenantId?: string) => {
    const asked = asking(text, tenantId);
    return cache.lookUp(asked, keyOf(asked));
  };
  return { index, indexer, dead, letters, ask };
}

describe('indexing the content topic', () => {
  it('makes stored answers findable exactly, by normal form and by meaning', async () => {
    const { indexer, ask } = setUp();

    const outcome = await indexer.handle(batchOf([stored('How do I reset my password?', 'r1')]));

    expect(outcome).toEqual({ kind: 'done' });
    expect(await ask('How do I reset my password?')).toMatchObject({ tier: 'exact', receiptId: 'r1' });
    expect(await ask('how do i reset my password')).toMatchObject({ tier: 'normalised' });
    expect(await ask('How can I reset my password?')).toMatchObject({ tier: 'semantic' });
    expect(await ask('How do I reset my password?', 'other')).toMatchObject({ kind: 'miss' });
  });

  it('obeys invalidations in the order of the log, also when a batch comes twice', async () => {
    const { indexer, ask, index } = setUp();
    const scope = keyOf(asking('x')).scope;
    const batch = batchOf([
      stored('How do I bake bread?', 'r1'),
      invalidated('r1'),
      stored('How do I bake a cake?', 'r2'),
      stored('How do I boil an egg?', 'r3', {}, 'other'),
      invalidated(null, 'no such scope'),
    ]);

    await indexer.handle(batch);
    await indexer.handle(batch);

    expect(await ask('How do I bake bread?')).toMatchObject({ kind: 'miss' });
    expect(await ask('How do I bake a cake?')).toMatchObject({ kind: 'hit' });
    await indexer.handle(batchOf([invalidated(null, scope)]));
    expect(await index.count()).toBe(1);
    await indexer.handle(batchOf([invalidated(null)]));
    expect(await ask('How do I boil an egg?', 'other')).toMatchObject({ kind: 'hit' });
  });

  it('skips what has expired and what cannot be opened any more', async () => {
    const own = createContentCipher('cd'.repeat(32));
    const { indexer, index, dead } = setUp({ cipher: own });
    const erased = encodeEvent('nextmodel.subject.erased.v1', 'e', 'acme', '2026-11-24T12:00:00.000Z', {
      tenantId: 'acme',
      subject: 'acme',
      erasedAt: '2026-11-24T12:00:00.000Z',
    });

    await indexer.handle(batchOf([stored('How do I bake bread?', 'r1', { expiresAt: '2026-11-24T12:00:00.000Z' })]));
    await indexer.handle(batchOf([erased, stored('How do I bake bread?', 'r1')]));

    expect(await index.count()).toBe(0);
    expect(dead).toEqual([]);
    expect(indexer.counts.skipped).toBe(2);
  });

  it('buries what it cannot read, with the original bytes, and goes on', async () => {
    const { indexer, index, dead, letters } = setUp();
    const good = stored('How do I bake bread?', 'r1');
    const bad: NewRecord[] = [
      { ...good, value: '{' },
      { ...good, headers: { ...good.headers, ce_type: 'nextmodel.unknown.v9' } },
      stored('How do I bake bread?', 'r1', { expiresAt: 'never' }),
      stored('How do I bake bread?', 'r1', { scope: 'ff' }),
    ];

    const outcome = await indexer.handle(batchOf([...bad, good]));

    expect(outcome).toEqual({ kind: 'done' });
    expect(await index.count()).toBe(1);
    expect(dead.map(({ offset }) => offset)).toEqual(['0', '1', '2', '3']);
    expect(letters).toHaveLength(4);
    expect(new TextDecoder().decode(letters[0]?.value)).toBe('{');
  });

  it('comes again when the index or the dead letters fail', async () => {
    const failing = { ...createMemoryIndex(), upsert: () => Promise.reject(new Error('down')) };

    expect(await setUp({ index: failing }).indexer.handle(batchOf([stored('a b c', 'r1')]))).toMatchObject({
      kind: 'again',
    });
    expect(
      await setUp({ deadLetter: () => Promise.reject(new Error('full')) }).indexer.handle(
        batchOf([{ ...stored('a b c', 'r1'), value: '{' }]),
      ),
    ).toMatchObject({ kind: 'again' });
  });

  it('takes vectors of a remote embedder as they were stored, asks nobody, and leaves those of others', async () => {
    const asks: string[] = [];
    const here: Embedder = {
      id: 'remote:here',
      dimensions: 2,
      remote: true,
      embed: (text) => {
        asks.push(text);
        return Float32Array.of(0, 1);
      },
    };
    const { indexer, index } = setUp({ embedder: () => here });
    const questions = ['How do I reset my password?', 'How do I close my account?', 'How do I rename my project?'];
    const kept = [
      packVector(here, Float32Array.of(0.6, 0.8)),
      packVector({ ...here, id: 'other' }, Float32Array.of(1, 0)),
    ];

    await indexer.handle(batchOf(questions.map((text, n) => stored(text, `r${n}`, {}, 'acme', kept[n]))));

    const points = await Promise.all(questions.map((text) => index.get(keyOf(asking(text)).id, NOW + 1)));
    expect(
      points.map((point) => (point?.vector === null ? null : [...(point?.vector ?? [])].map((x) => x.toFixed(1)))),
    ).toEqual([['0.6', '0.8'], null, null]);
    expect(asks).toEqual([]);
  });

  it('keeps exact look-ups going while the embedder is away', async () => {
    const { indexer, ask } = setUp({ embedder: () => Promise.reject(new Error('429')) });

    const outcome = await indexer.handle(batchOf([stored('How do I reset my password?', 'r1')]));

    expect(outcome).toMatchObject({ kind: 'again' });
    expect(await ask('How do I reset my password?')).toMatchObject({ tier: 'exact' });
    expect(await ask('How can I reset my password?')).toMatchObject({ kind: 'miss' });
  });
});

const countIn = async (directory: string): Promise<number> => {
  const index = await openInProcessIndex({ directory, embedderId: STATIC_EMBEDDER_ID });
  const count = await index.count();
  await index.close();
  return count;
};

describe('sweeping', () => {
  it('makes room every five minutes', async () => {
    let nowMs = NOW + 1;
    const { indexer, index } = setUp({ nowMs: () => nowMs });
    await indexer.handle(batchOf([stored('How do I bake bread?', 'r1')]));
    nowMs = NOW + 3_700_000;
    expect(await index.count()).toBe(1);

    await indexer.handle(batchOf([]));

    expect(await index.count()).toBe(0);
  });
});

describe('rebuilding the index', () => {
  const log = [
    stored('How do I reset my password?', 'r1'),
    stored('How do I bake bread?', 'r2'),
    stored('how do i bake bread', 'r3'),
    stored('How do I boil an egg?', 'r4'),
    invalidated('r4'),
    { ...stored('How do I bake bread?', 'r5'), value: '{' },
    stored('How do I paint a wall?', 'r6'),
  ];
  const rebuild = (
    directory: string,
    change: { records?: NewRecord[]; onProgress?: (progress: RebuildProgress) => void; failing?: boolean } = {},
  ) =>
    rebuildInProcessIndex({
      directory,
      embedderId: STATIC_EMBEDDER_ID,
      reader: readerOf(change.records ?? log),
      embedder: change.failing === true ? () => Promise.reject(new Error('gone')) : loadStaticEmbedder,
      cipher,
      nowMs: () => NOW + 1,
      ...(change.onProgress === undefined ? {} : { onProgress: change.onProgress }),
    });

  it('fills a fresh index from the log, says how far it is and switches', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'rebuild-')), 'vectors');
    const told: RebuildProgress[] = [];

    const result = await rebuild(directory, { onProgress: (progress) => told.push(progress) });

    expect(result).toMatchObject({ read: 7, total: 7, entries: 3, undecodable: 1 });
    expect(told.at(-1)).toMatchObject({ read: 7, total: 7 });
    const index = await openInProcessIndex({ directory, embedderId: STATIC_EMBEDDER_ID });
    const cache = createSemanticCache({ index, embedder: loadStaticEmbedder, cipher, sha256Hex, timeBoxMs: 5_000 });
    const asked = asking('How can I reset my password?');
    expect(await cache.lookUp(asked, keyOf(asked))).toMatchObject({ tier: 'semantic', receiptId: 'r1' });
    await index.close();
  });

  it('gives the same again from nothing, and twice', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'rebuild-')), 'vectors');
    await rebuild(directory);
    const before = await countIn(directory);
    rmSync(directory, { recursive: true });

    await rebuild(directory);
    await rebuild(directory);

    expect(await countIn(directory)).toBe(before);
  });

  it('leaves the old index in use when it fails', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'rebuild-')), 'vectors');
    await rebuild(directory);

    await expect(rebuild(directory, { records: [], failing: true })).resolves.toMatchObject({ entries: 0 });
    await rebuild(directory);
    await expect(rebuild(directory, { failing: true })).rejects.toMatchObject({ code: 'store_unavailable' });

    expect(await countIn(directory)).toBe(3);
  });

  it('switches the alias in Qdrant under a running index and deletes the old collection', async () => {
    const fake = new FakeQdrant();
    const place = { url: await fake.listen(), apiKey: null, embedderId: STATIC_EMBEDDER_ID };
    const running = await openQdrantIndex(place);
    await running.ping();
    expect(await running.count()).toBe(0);

    const result = await rebuildQdrantIndex({
      ...place,
      reader: readerOf(log),
      embedder: loadStaticEmbedder,
      cipher,
      nowMs: () => NOW + 1,
    });

    expect(result).toMatchObject({ entries: 3, undecodable: 1 });
    expect(await running.count()).toBe(3);
    expect(fake.collections.size).toBe(1);
    await expect(
      rebuildQdrantIndex({
        ...place,
        reader: readerOf(log),
        embedder: () => Promise.reject(new Error('gone')),
        cipher,
        nowMs: () => NOW + 1,
      }),
    ).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await running.count()).toBe(3);
    expect(fake.collections.size).toBe(1);
    await running.close();
    fake.close();
  });

  it('does not switch to an index that holds another number of entries than the log says', async () => {
    const ends: string[] = [];
    const forgetful = {
      ...createMemoryIndex(),
      upsert: () => Promise.resolve(),
      count: () => Promise.resolve(2),
      flush: () => Promise.resolve(),
    };

    const rebuilding = rebuildIndex({
      reader: readerOf(log),
      cipher,
      embedder: null,
      sha256Hex,
      nowMs: () => NOW + 1,
      fresh: {
        index: Object.assign(Object.create(createMemoryIndex()) as ReturnType<typeof createMemoryIndex>, forgetful, {
          remove: () => Promise.resolve(0),
        }),
        entriesMax: null,
        switchTo: () => Promise.resolve(void ends.push('switched')),
        discard: () => Promise.resolve(void ends.push('discarded')),
      },
    });

    await expect(rebuilding).rejects.toMatchObject({ code: 'internal' });
    expect(ends).toEqual(['discarded']);
  });
});
