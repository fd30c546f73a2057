import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import type { CheckpointStore } from './checkpoint-store.js';
import type {
  BatchOutcome,
  EventLogReader,
  EventLogSubscriber,
  EventLogWriter,
  ReadLimits,
  RecordBatch,
  SubscribeOptions,
  TopicPosition,
} from './event-log.js';

/** The ports of one log, opened together over the same data. */
export interface EventLogSet {
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly subscriber: EventLogSubscriber;
  readonly checkpoints: CheckpointStore;
  /** Closes all of it; called once after each case, also when the case closed the writer. */
  close(): Promise<void>;
}

export interface EventLogContract {
  /** A fresh, empty log. `topics` are those that the case will use: unique names, to be created where that is needed. */
  open(topics: readonly string[]): Promise<EventLogSet>;
  /** Closes the set and opens the same data again; a string says why the adapter cannot. */
  readonly reopen: ((set: EventLogSet, topics: readonly string[]) => Promise<EventLogSet>) | string;
  /** What the adapter cannot promise, each with the reason. */
  readonly deviations?: {
    /** Keys are spread over several partitions, so offsets count within each of them. */
    readonly severalPartitions?: string;
    /** Records of several topics appended together may become readable one after the other. */
    readonly notAtomicAcrossTopics?: string;
    /** Records that a group without checkpoint has before it are not counted as lag. */
    readonly lagNeedsCheckpoint?: string;
  };
}

const DONE: BatchOutcome = { kind: 'done' };
const LIMITS: ReadLimits = { recordsMax: 1000, bytesMax: 8_000_000, waitMs: 5000 };
const NOW: ReadLimits = { ...LIMITS, waitMs: 0 };
const decoder = new TextDecoder();

/** Every event log passes this, the in-memory one included. */
export function eventLogContract(name: string, contract: EventLogContract): void {
  const deviations = contract.deviations ?? {};
  const reasons = Object.entries(deviations).map(([what, why]) => `${what}: ${why}`);
  const suite = reasons.length === 0 ? name : `${name} (deviates: ${reasons.join('; ')})`;

  describe(`EventLog: ${suite}`, () => {
    const opened: EventLogSet[] = [];
    const open = async (names: readonly string[]): Promise<EventLogSet> => {
      const set = await contract.open(names);
      opened.push(set);
      return set;
    };
    afterEach(async () => {
      for (const set of opened.splice(0)) await set.close();
    });

    describe('writing and reading', () => {
      it('keeps order and counts offsets from 0 without gaps', async () => {
        const [topic] = topics();
        const log = await open([topic]);

        await append(log, numbered(topic, 0, 120));
        await append(log, numbered(topic, 120, 80));
        const records = await readAll(log.reader, topic, 200);

        expect(records.map(text)).toEqual(range(0, 200).map(String));
        expect(records.map((each) => each.offset)).toEqual(range(0, 200).map(BigInt));
        expect(new Set(records.map((each) => each.partition)).size).toBe(1);
      });

      it('counts the offsets of each topic apart', async () => {
        const [a, b] = topics();
        const log = await open([a, b]);

        for (const n of range(0, 10)) await append(log, [record(a, `a${n}`), record(b, `b${n}`), record(a, `A${n}`)]);

        const ofA = await readAll(log.reader, a, 20);
        const ofB = await readAll(log.reader, b, 10);
        expect(ofA.map((each) => each.offset)).toEqual(range(0, 20).map(BigInt));
        expect(ofB.map((each) => each.offset)).toEqual(range(0, 10).map(BigInt));
        expect(ofB.map(text)).toEqual(range(0, 10).map((n) => `b${n}`));
      });

      it('gives key, headers and the exact bytes back', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const bytes = Uint8Array.from(range(0, 512), (n) => n % 256);
        const headers = {
          ce_id: 'x/sealed',
          ce_type: 'nextmodel.receipt.sealed.v1',
          ce_source: 'nextmodel/gateway',
          ce_time: '2026-11-24T10:00:00.000Z',
          ce_schemaversion: '1',
          'x-error': 'größer 😀 "quoted"',
          'x-empty': '',
        };
        const written: NewRecord[] = [
          { topic, key: 'k-ключ-😀', value: bytes, headers },
          { topic, key: 'k-ключ-😀', value: '{"text":"naïve 😀 \\u0000"}', headers: {} },
          { topic, key: 'k-ключ-😀', value: new Uint8Array(0), headers: { constructor: 'a', ['__proto__x']: 'b' } },
        ];

        await append(log, written);
        const records = await readAll(log.reader, topic, 3);

        expect(records.map((each) => each.key)).toEqual(written.map((each) => each.key));
        expect(records.map((each) => ({ ...each.headers }))).toEqual(written.map((each) => ({ ...each.headers })));
        expect(records.map((each) => Uint8Array.from(each.value))).toEqual(
          written.map((each) => (typeof each.value === 'string' ? new TextEncoder().encode(each.value) : each.value)),
        );
      });

      it('keeps the records of one key in one partition and in order', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const keys = range(0, 12).map((n) => `key-${n}`);

        for (const n of range(0, 5)) {
          await append(
            log,
            keys.map((key) => record(topic, `${key}#${n}`, key)),
          );
        }
        const records = await readAll(log.reader, topic, 60);

        for (const key of keys) {
          const own = records.filter((each) => each.key === key);
          expect(own.map(text)).toEqual(range(0, 5).map((n) => `${key}#${n}`));
          expect(new Set(own.map((each) => each.partition)).size).toBe(1);
        }
        if (deviations.severalPartitions === undefined) {
          expect(await log.reader.partitions(topic)).toHaveLength(1);
        }
      });

      it('loses nothing of many small appends in one turn', async () => {
        const [topic] = topics();
        const log = await open([topic]);

        await Promise.all(range(0, 500).map((n) => log.writer.append([record(topic, String(n))]).durable));
        const records = await readAll(log.reader, topic, 500);

        expect(records.map(text)).toEqual(range(0, 500).map(String));
      });

      it('keeps a record of a megabyte', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const big = 'x'.repeat(900_000);

        await append(log, [record(topic, 'before'), record(topic, big), record(topic, 'after')]);
        const records = await readAll(log.reader, topic, 3);

        expect(records.map((each) => each.value.length)).toEqual([6, 900_000, 5]);
      });

      it('takes an empty append', async () => {
        const [topic] = topics();
        const log = await open([topic]);

        const appended = log.writer.append([]);

        await expect(Promise.all([appended.written, appended.durable])).resolves.toBeDefined();
      });

      it('makes the records of one append readable together', async () => {
        const [a, b] = topics();
        const log = await open([a, b]);
        await append(log, [record(a, 'first')]);
        const at = await positionOf(log.reader, a);
        const waiting = log.reader.read({ ...at, offset: 1n }, LIMITS);
        const batch = [
          ...numbered(a, 0, 50),
          ...(deviations.notAtomicAcrossTopics === undefined ? [record(b, 'b')] : []),
        ];

        const appended = log.writer.append(batch);
        const seen = await waiting;

        expect(seen.records.map(text)).toEqual(range(0, 50).map(String));
        if (deviations.notAtomicAcrossTopics === undefined) {
          expect((await log.reader.read({ topic: b, partition: at.partition, offset: 0n }, NOW)).records).toHaveLength(
            1,
          );
        }
        await appended.durable;
      });

      it('is healthy, and refuses records once it is closed', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        expect(log.writer.healthy).toBe(true);

        const last = log.writer.append([record(topic, 'last')]);
        await log.writer.close();

        await expect(last.durable).resolves.toBeUndefined();
        const refused = log.writer.append([record(topic, 'too late')]);
        for (const promise of [refused.written, refused.durable]) {
          const error = await promise.then(
            () => null,
            (reason: unknown) => reason,
          );
          expect(error).toBeInstanceOf(RouterError);
          expect((error as RouterError).code).toBe('receipt_log_unavailable');
          expect((error as RouterError).httpStatus).toBe(503);
        }
        expect(log.writer.healthy).toBe(false);
      });
    });

    describe('reading within limits', () => {
      it('gives at most recordsMax records and says where to read on', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 25));
        const at = await positionOf(log.reader, topic);

        const first = await log.reader.read(at, { ...LIMITS, recordsMax: 10 });
        const second = await log.reader.read({ ...at, offset: first.nextOffset }, { ...LIMITS, recordsMax: 10 });

        expect(first).toMatchObject({ topic, partition: at.partition, nextOffset: 10n, headOffset: 25n });
        expect(second.records.map(text)).toEqual(range(10, 10).map(String));
        expect(second.nextOffset).toBe(20n);
      });

      it('gives at most bytesMax bytes of values, but always one record', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(
          log,
          range(0, 5).map(() => record(topic, 'y'.repeat(1000))),
        );
        const at = await positionOf(log.reader, topic);

        const two = await log.reader.read(at, { ...LIMITS, bytesMax: 2500 });
        const one = await log.reader.read(at, { ...LIMITS, bytesMax: 10 });

        expect(two.records.length).toBeGreaterThanOrEqual(1);
        expect(two.records.length).toBeLessThanOrEqual(2);
        expect(one.records).toHaveLength(1);
      });

      it('returns an empty batch at once when nothing is there and waitMs is 0', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 3));
        const at = await positionOf(log.reader, topic);

        const batch = await log.reader.read({ ...at, offset: 3n }, NOW);

        expect(batch).toMatchObject({ records: [], nextOffset: 3n, headOffset: 3n });
      });

      it('wakes a waiting read when a record arrives', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 3));
        const at = await positionOf(log.reader, topic);
        const started = performance.now();
        const waiting = log.reader.read({ ...at, offset: 3n }, { ...LIMITS, waitMs: 10_000 });

        await sleep(50);
        await append(log, [record(topic, 'woken')]);

        expect((await waiting).records.map(text)).toEqual(['woken']);
        expect(performance.now() - started).toBeLessThan(5000);
      });

      it('ends a waiting read with an empty batch when the wait is over or aborted', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 1));
        const at = { ...(await positionOf(log.reader, topic)), offset: 1n };
        const abort = new AbortController();

        const timedOut = await log.reader.read(at, { ...LIMITS, waitMs: 60 });
        const waiting = log.reader.read(at, { ...LIMITS, waitMs: 30_000 }, abort.signal);
        setTimeout(() => abort.abort(), 30);

        expect(timedOut.records).toEqual([]);
        expect(await waiting).toMatchObject({ records: [], nextOffset: 1n });
      });

      it('knows the bounds of a partition', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 7));
        const at = await positionOf(log.reader, topic);

        expect(await log.reader.bounds(topic, at.partition)).toEqual({ first: 0n, head: 7n });
      });
    });

    describe('checkpoints', () => {
      it('remembers the newest offset of each group, topic and partition', async () => {
        const [a, b] = topics();
        const { checkpoints } = await open([a, b]);
        const group = `g-${randomUUID()}`;

        expect(await checkpoints.load(group, a, 0)).toBeNull();
        await checkpoints.save(group, a, 0, 5n);
        await checkpoints.save(group, a, 0, 9n);
        await checkpoints.save(group, b, 0, 2n);

        expect(await checkpoints.load(group, a, 0)).toBe(9n);
        expect(await checkpoints.load(group, b, 0)).toBe(2n);
        expect(await checkpoints.load(`other-${group}`, a, 0)).toBeNull();
      });

      it('forgets a group that is removed', async () => {
        const [topic] = topics();
        const { checkpoints } = await open([topic]);
        const group = `g-${randomUUID()}`;
        await checkpoints.save(group, topic, 0, 5n);

        await checkpoints.remove(group);
        await checkpoints.remove(`never-${group}`);

        expect(await checkpoints.load(group, topic, 0)).toBeNull();
      });
    });

    describe('subscribing', () => {
      it('hands every record over in order and moves the checkpoint after the handler', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const subscribing = options(topic, { recordsMax: 10 });
        await append(log, numbered(topic, 0, 35));
        const seen = collector();
        const before: (bigint | null)[] = [];

        await log.subscriber.subscribe(subscribing, async (batch) => {
          before.push(await log.checkpoints.load(subscribing.group, topic, batch.partition));
          return seen.take(batch);
        });
        await seen.until(35);
        const at = await positionOf(log.reader, topic);
        await eventually(async () => (await log.checkpoints.load(subscribing.group, topic, at.partition)) === 35n);

        expect(seen.texts()).toEqual(range(0, 35).map(String));
        expect(Math.max(...seen.batches.map((batch) => batch.records.length))).toBeLessThanOrEqual(10);
        expect(before[0]).toBeNull();
        expect(before.slice(1)).toEqual(seen.batches.slice(0, -1).map((batch) => batch.nextOffset));
      });

      it('hands over what is appended later', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const seen = collector();
        await log.subscriber.subscribe(options(topic), seen.take);

        await append(log, numbered(topic, 0, 3));
        await seen.until(3);
        await append(log, numbered(topic, 3, 3));
        await seen.until(6);

        expect(seen.texts()).toEqual(range(0, 6).map(String));
      });

      it('starts a group without checkpoint at the head when it asks for that', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 5));
        const seen = collector();

        await log.subscriber.subscribe(options(topic, { startAt: 'head' }), seen.take);
        await append(log, [record(topic, 'new')]);
        await seen.until(1);

        expect(seen.texts()).toEqual(['new']);
      });

      it('redelivers the same records in order after `again`', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 6));
        const seen = collector();
        const refused: string[][] = [];
        const subscribing = options(topic);

        await log.subscriber.subscribe(subscribing, async (batch) => {
          if (refused.length < 2) {
            refused.push(batch.records.map(text));
            return { kind: 'again', afterMs: 20 };
          }
          return seen.take(batch);
        });
        await seen.until(6);

        expect(refused).toHaveLength(2);
        for (const texts of refused) expect(texts).toEqual(range(0, texts.length).map(String));
        expect(seen.texts()).toEqual(range(0, 6).map(String));
      });

      it.each([
        ['an Error', () => new Error('thrown on purpose')],
        ['a TypeError', () => new TypeError('thrown on purpose')],
        ['a SyntaxError', () => new SyntaxError('thrown on purpose')],
        ['a string', () => 'thrown on purpose'],
      ])('loses nothing and goes on when the handler throws %s', async (_, thrown) => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 4));
        const seen = collector();
        const committed: (bigint | null)[] = [];
        const subscribing = options(topic);
        let calls = 0;

        await log.subscriber.subscribe(subscribing, async (batch) => {
          calls += 1;
          if (calls > 1) committed.push(await log.checkpoints.load(subscribing.group, topic, batch.partition));
          // oxlint-disable-next-line typescript/only-throw-error -- consumers must survive whatever is thrown
          if (calls <= 2) throw thrown();
          return seen.take(batch);
        });
        await seen.until(4);
        await append(log, [record(topic, 'after')]);
        await seen.until(5);

        expect(seen.texts()).toEqual(['0', '1', '2', '3', 'after']);
        expect(committed.slice(0, 2)).toEqual([null, null]);
      });

      it('serves two groups apart', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        await append(log, numbered(topic, 0, 8));
        const [one, two] = [collector(), collector()];

        await log.subscriber.subscribe(options(topic), one.take);
        await log.subscriber.subscribe(options(topic), async () => ({ kind: 'again', afterMs: 20 }));
        await log.subscriber.subscribe(options(topic), two.take);
        await Promise.all([one.until(8), two.until(8)]);

        expect(one.texts()).toEqual(two.texts());
      });

      it('serves several topics of one subscription', async () => {
        const [a, b] = topics();
        const log = await open([a, b]);
        const seen = collector();
        await log.subscriber.subscribe(options(a, { topics: [a, b] }), seen.take);

        await append(log, [...numbered(a, 0, 5), ...numbered(b, 0, 5)]);
        await seen.until(10);

        for (const topic of [a, b]) expect(seen.texts(topic)).toEqual(range(0, 5).map(String));
      });

      it('finishes the batch in hand on stop and saves its checkpoint', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const subscribing = options(topic, { recordsMax: 3 });
        await append(log, numbered(topic, 0, 3));
        const seen = collector();
        const entered = Promise.withResolvers<void>();
        const subscription = await log.subscriber.subscribe(subscribing, async (batch) => {
          entered.resolve();
          await sleep(80);
          return seen.take(batch);
        });

        await entered.promise;
        await subscription.stop();
        await append(log, numbered(topic, 3, 3));
        await sleep(60);

        const last = seen.batches.at(-1);
        expect(seen.batches).toHaveLength(1);
        expect(await log.checkpoints.load(subscribing.group, topic, last?.partition ?? -1)).toBe(last?.nextOffset);
      });

      it('stops soon while it waits for records or before a redelivery', async () => {
        const [topic, other] = topics();
        const log = await open([topic, other]);
        await append(log, numbered(topic, 0, 1));
        const called = Promise.withResolvers<void>();
        const refusing = await log.subscriber.subscribe(options(topic), async () => {
          called.resolve();
          return { kind: 'again', afterMs: 60_000 };
        });
        const idle = await log.subscriber.subscribe(options(other), async () => DONE);
        await called.promise;
        const started = performance.now();

        await Promise.all([refusing.stop(), idle.stop()]);

        expect(performance.now() - started).toBeLessThan(4000);
      });

      it('resumes at the checkpoint when the group subscribes again', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const subscribing = options(topic);
        await append(log, numbered(topic, 0, 5));
        const [first, second] = [collector(), collector()];
        const subscription = await log.subscriber.subscribe(subscribing, first.take);
        await first.until(5);
        await subscription.stop();

        await append(log, numbered(topic, 5, 5));
        await log.subscriber.subscribe(subscribing, second.take);
        await second.until(5);

        expect(second.texts()).toEqual(range(5, 5).map(String));
      });

      it('counts the lag of a group', async () => {
        const [topic] = topics();
        const log = await open([topic]);
        const subscribing = options(topic);
        await append(log, numbered(topic, 0, 10));
        if (deviations.lagNeedsCheckpoint === undefined) {
          expect(await log.subscriber.lag(subscribing.group, [topic])).toBe(10n);
        }
        const seen = collector();
        const subscription = await log.subscriber.subscribe(subscribing, seen.take);
        await seen.until(10);
        await subscription.stop();
        expect(await log.subscriber.lag(subscribing.group, [topic])).toBe(0n);

        await append(log, numbered(topic, 10, 4));

        expect(await log.subscriber.lag(subscribing.group, [topic])).toBe(4n);
      });
    });

    const { reopen } = contract;
    if (typeof reopen === 'string') {
      it.skip(`is not opened again: ${reopen}`, () => {});
      return;
    }
    describe('after a restart', () => {
      it('has the same records, goes on counting and resumes at the checkpoint', async () => {
        const [topic, other] = topics();
        const before = await open([topic, other]);
        const group = `g-${randomUUID()}`;
        const subscribing: SubscribeOptions = {
          group,
          topics: [topic],
          startAt: 'first',
          recordsMax: 100,
          lingerMs: 10,
        };
        await append(before, [...numbered(topic, 0, 6), record(other, 'o')]);
        const first = collector();
        await before.subscriber.subscribe(subscribing, first.take);
        await first.until(6);

        opened.splice(opened.indexOf(before), 1);
        const after = await reopen(before, [topic, other]);
        opened.push(after);
        await append(after, numbered(topic, 6, 4));
        const second = collector();
        await after.subscriber.subscribe(subscribing, second.take);
        await second.until(4);
        const all = await readAll(after.reader, topic, 10);

        expect(second.texts()).toEqual(range(6, 4).map(String));
        expect(all.map(text)).toEqual(range(0, 10).map(String));
        expect(all.map((each) => each.offset)).toEqual(range(0, 10).map(BigInt));
      });
    });
  });
}

function record(topic: string, value: string, key = 'same-key'): NewRecord {
  return { topic, key, value, headers: { ce_id: value.slice(0, 40), ce_type: 'test.happened.v1' } };
}

function topics(): readonly [string, string] {
  return [`t.a-${randomUUID()}`, `t.b-${randomUUID()}`];
}

function options(topic: string, change: Partial<SubscribeOptions> = {}): SubscribeOptions {
  return { group: `g-${randomUUID()}`, topics: [topic], startAt: 'first', recordsMax: 100, lingerMs: 10, ...change };
}

function numbered(topic: string, from: number, count: number): NewRecord[] {
  return range(from, count).map((n) => record(topic, String(n)));
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}

const text = (stored: StoredRecord): string => decoder.decode(stored.value);
const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

async function append(log: EventLogSet, records: readonly NewRecord[]): Promise<void> {
  const { written, durable } = log.writer.append(records);
  await Promise.all([written, durable]);
}

async function eventually(check: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > until) throw new Error(`did not happen within ${timeoutMs} ms: ${check.toString()}`);
    await sleep(10);
  }
}

/** The start of the partition that holds the records of a topic written with one key. */
async function positionOf(reader: EventLogReader, topic: string): Promise<TopicPosition> {
  for (const partition of await reader.partitions(topic)) {
    const { head } = await reader.bounds(topic, partition);
    if (head > 0n) return { topic, partition, offset: 0n };
  }
  throw new Error(`no partition of ${topic} has a record`);
}

async function readAll(reader: EventLogReader, topic: string, count: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const partition of await reader.partitions(topic)) {
    const { head } = await reader.bounds(topic, partition);
    let offset = 0n;
    while (offset < head) {
      const from = offset;
      const batch = await reader.read({ topic, partition, offset }, LIMITS);
      expect(batch.records.map((each) => each.offset)).toEqual(
        range(0, batch.records.length).map((n) => from + BigInt(n)),
      );
      records.push(...batch.records);
      offset = batch.nextOffset;
    }
  }
  expect(records).toHaveLength(count);
  return records;
}

interface Collector {
  readonly batches: RecordBatch[];
  take(this: void, batch: RecordBatch): Promise<BatchOutcome>;
  texts(topic?: string): string[];
  until(count: number): Promise<void>;
}

function collector(): Collector {
  const batches: RecordBatch[] = [];
  const texts = (topic?: string): string[] =>
    batches.filter((batch) => topic === undefined || batch.topic === topic).flatMap((batch) => batch.records.map(text));
  return {
    batches,
    take: async (batch) => {
      batches.push(batch);
      return DONE;
    },
    texts,
    until: (count) => eventually(() => texts().length >= count),
  };
}
