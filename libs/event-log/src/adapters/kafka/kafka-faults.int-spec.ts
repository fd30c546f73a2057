import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import { brokerTools, type RunningBroker, startBroker } from '../../../../../tools/kafka-broker/start-broker.mjs';
import { type KafkaLog, type KafkaState, openKafkaLog } from '../../kafka-log.module.js';
import type { BatchOutcome, RecordBatch, SubscribeOptions } from '../../ports/event-log.js';
import { createKafka } from './kafka-settings.js';

const tools = brokerTools();
const DONE: BatchOutcome = { kind: 'done' };

describe.skipIf(!tools.ok && process.env['CI'] === undefined)(`Kafka under faults ${tools.reason}`, () => {
  let broker: RunningBroker;
  let log: KafkaLog;
  const opened: KafkaLog[] = [];
  const states: KafkaState[] = [];

  const open = async (): Promise<KafkaLog> => {
    const settings = {
      brokers: broker.brokers,
      clientId: 'faults',
      onState: (state: KafkaState) => states.push(state),
    };
    const made = await openKafkaLog(settings);
    opened.push(made);
    return made;
  };
  const newTopic = async (partitions: number): Promise<string> => {
    const topic = `t-${randomUUID()}`;
    await log.ensureTopics({ topics: [topic], partitions });
    return topic;
  };

  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());
  beforeEach(async () => {
    states.length = 0;
    log = await open();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  it('loses nothing that was acknowledged, and doubles nothing in a view, when the broker is killed under load', async () => {
    const topic = await newTopic(4);
    const view = collectView();
    await log.subscriber.subscribe(options(topic), view.take);
    const acked: string[] = [];
    const load = new AbortController();

    const loading = (async () => {
      for (let n = 0; !load.signal.aborted; n += 1) {
        const records = Array.from({ length: 20 }, (_, i) => record(topic, `key-${i}`, String(n * 20 + i)));
        log.writer.append(records).durable.then(
          () => acked.push(...records.map(({ headers }) => headers['ce_id'] as string)),
          () => {},
        );
        await sleep(5);
      }
    })();
    for (let round = 0; round < 2; round += 1) {
      await sleep(700);
      await broker.kill();
      await sleep(500);
      await broker.restart();
      await sleep(1000);
    }
    load.abort();
    await loading;
    await log.writer.close();
    await view.until(() => acked.every((id) => view.ids.has(id)));
    const stored = await readAll(log, topic);

    expect(acked.length).toBeGreaterThan(2000);
    const storedIds = new Set(stored.map(({ headers }) => headers['ce_id']));
    expect(acked.filter((id) => !storedIds.has(id))).toEqual([]);
    expect(view.rows).toHaveLength(view.ids.size);
    for (let i = 0; i < 20; i += 1) {
      const ofKey = view.rows.filter(({ key }) => key === `key-${i}`).map(({ headers }) => Number(headers['ce_id']));
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    }
  });

  it('opens, and says so quickly, while the broker is away, and works when it is back', async () => {
    const topic = await newTopic(1);
    await broker.kill();

    const started = performance.now();
    const late = await open();
    const openedMs = performance.now() - started;
    const seen = collectView();
    await late.subscriber.subscribe(options(topic), seen.take);
    const ping = await failure(late.ping());
    const pingedMs = performance.now() - started - openedMs;
    const read = await failure(late.reader.partitions(topic));
    const appended = late.writer.append([record(topic, 'k', 'patient')]);
    await broker.restart();
    await appended.durable;
    await seen.until(() => seen.ids.has('patient'));

    expect(openedMs).toBeLessThan(100);
    expect(pingedMs).toBeLessThan(5200);
    for (const error of [ping, read]) {
      expect(error).toBeInstanceOf(RouterError);
      expect((error as RouterError).code).toBe('store_unavailable');
    }
    await expect(late.ping()).resolves.toBeUndefined();
  });

  it('reads on as the same member after an outage that is longer than its session', async () => {
    const topic = await newTopic(2);
    const group = `g-${randomUUID()}`;
    const seen = collectView();
    await log.subscriber.subscribe(options(topic, group), seen.take);
    await log.writer.append([record(topic, 'k', 'before')]).durable;
    await seen.until(() => seen.ids.has('before'));
    await eventually(async () => (await log.subscriber.lag(group, [topic])) === 0n);
    const member = await membersOf(broker, group);

    await broker.kill();
    await eventually(() => states.some(({ part, up }) => part === 'subscriber' && !up));
    await broker.restart();
    const back = performance.now();
    const late = await open();
    await late.writer.append([record(topic, 'k', 'after')]).durable;
    await seen.until(() => seen.ids.has('after'));
    console.log(`read on ${Math.round(performance.now() - back)} ms after the broker was back`);

    // Another member would have to wait until this one's session is over.
    expect(await membersOf(broker, group)).toEqual(member);
    expect(member).toHaveLength(1);
    await eventually(() => states.findLast(({ part }) => part === 'subscriber')?.up === true);
    expect(seen.all).toHaveLength(2);
  });

  it('says within two seconds that a broker does not answer, and refuses records in the end', async () => {
    const topic = await newTopic(1);
    await log.ping();
    await log.writer.append([record(topic, 'k', 'first')]).durable;
    await broker.pause();

    const started = performance.now();
    const ping = await failure(log.ping());
    const pingedMs = performance.now() - started;
    const read = await failure(log.reader.read({ topic, partition: 0, offset: 0n }, { ...LIMITS, waitMs: 0 }));
    broker.resume();
    const again = await readAll(log, topic);

    expect((ping as RouterError).code).toBe('store_unavailable');
    expect(pingedMs).toBeLessThan(2000);
    expect((read as RouterError).code).toBe('store_unavailable');
    expect(again.map(({ headers }) => headers['ce_id'])).toEqual(['first']);
  });

  it('refuses appends as unavailable while it cannot write, and is healthy again by itself', async () => {
    const missing = `missing-${randomUUID()}`;

    const error = await failure(log.writer.append([record(missing, 'k', 'nowhere')]).durable);
    const after = log.writer.healthy;
    await eventually(() => log.writer.healthy);

    expect((error as RouterError).code).toBe('receipt_log_unavailable');
    expect(after).toBe(false);
    expect(states.some(({ part, up }) => part === 'writer' && !up)).toBe(true);
  });

  it('shares partitions between two members and handles no record twice after a clean hand-over', async () => {
    const topic = await newTopic(6);
    const group = `g-${randomUUID()}`;
    const [a, b] = [collectView(), collectView()];
    let written = 0;
    const write = async (count: number): Promise<void> => {
      const records = Array.from({ length: count }, (_, n) => record(topic, `k${n % 50}`, String(written + n)));
      written += count;
      await log.writer.append(records).durable;
    };

    const first = await log.subscriber.subscribe(options(topic, group), a.take);
    await write(1000);
    const second = await open();
    await second.subscriber.subscribe(options(topic, group), b.take);
    await eventually(async () => {
      await write(100);
      return b.rows.length > 100;
    });
    const shared = a.rows.length;
    await first.stop();
    await write(1000);
    await eventually(() => a.ids.size + b.ids.size >= written);
    await eventually(async () => (await log.subscriber.lag(group, [topic])) === 0n);

    expect(a.all.length + b.all.length).toBe(written);
    expect(new Set([...a.ids, ...b.ids]).size).toBe(written);
    expect(shared).toBeGreaterThan(1000);
    expect(b.rows.length).toBeGreaterThan(1000);
  });

  it('goes on with the other partitions while the handler of one throws a TypeError for ever', async () => {
    const topic = await newTopic(3);
    const seen = collectView();
    let poisoned = 0;
    await log.subscriber.subscribe(options(topic), async (batch) => {
      if (batch.records.some(({ key }) => key === 'poison')) {
        poisoned += 1;
        return (undefined as unknown as { kind: () => BatchOutcome }).kind();
      }
      return seen.take(batch);
    });

    await log.writer.append([record(topic, 'poison', 'poison')]).durable;
    await eventually(() => poisoned >= 2);
    const records = Array.from({ length: 60 }, (_, n) => record(topic, `k${n}`, String(n)));
    await log.writer.append(records).durable;
    const healthy = await partitionsWithout(log, topic, 'poison');
    await seen.until(() => seen.rows.length === healthy.length);

    expect(healthy.length).toBeGreaterThan(20);
    expect(seen.rows).toHaveLength(healthy.length);
    expect(poisoned).toBeGreaterThanOrEqual(2);
  });

  it('keeps its place in the group during a handler longer than the session, and gathers while it lingers', async () => {
    const topic = await newTopic(2);
    const group = `g-${randomUUID()}`;
    const [slow, gathered] = [collectView(), collectView()];
    await log.subscriber.subscribe(options(topic, group), async (batch) => {
      if (slow.all.length === 0) await sleep(11_000);
      return slow.take(batch);
    });
    await log.subscriber.subscribe({ ...options(topic), lingerMs: 1500 }, gathered.take);
    await sleep(500);

    for (let n = 0; n < 20; n += 1) await log.writer.append([record(topic, 'same', String(n))]).durable;
    await slow.until(() => slow.ids.size === 20);
    await eventually(async () => (await log.subscriber.lag(group, [topic])) === 0n);

    expect(slow.all).toHaveLength(20);
    expect(gathered.batches.map(({ records }) => records.length)).toEqual([20]);
  });
});

async function membersOf(broker: RunningBroker, group: string): Promise<readonly string[]> {
  const admin = createKafka({ brokers: broker.brokers, clientId: 'look' }).admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([group]);
    return (groups[0]?.members ?? []).map(({ memberId }) => memberId);
  } finally {
    await admin.disconnect();
  }
}

const LIMITS = { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 1000 };

function options(topic: string, group = `g-${randomUUID()}`): SubscribeOptions {
  return { group, topics: [topic], startAt: 'first', recordsMax: 200, lingerMs: 20 };
}

function record(topic: string, key: string, id: string): NewRecord {
  return { topic, key, value: `{"id":"${id}"}`, headers: { ce_id: id, ce_type: 'test.happened.v1' } };
}

/** Takes the first of each `ce_id` into `rows`, as every view of the log does; `all` is what was handed over. */
function collectView() {
  const ids = new Set<string>();
  const rows: StoredRecord[] = [];
  const all: StoredRecord[] = [];
  const batches: RecordBatch[] = [];
  return {
    ids,
    rows,
    all,
    batches,
    take: async (batch: RecordBatch): Promise<BatchOutcome> => {
      batches.push(batch);
      for (const each of batch.records) {
        const id = each.headers['ce_id'] as string;
        all.push(each);
        if (!ids.has(id)) rows.push(each);
        ids.add(id);
      }
      return DONE;
    },
    until: (check: () => boolean) => eventually(check),
  };
}

async function readAll(log: KafkaLog, topic: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const partition of await log.reader.partitions(topic)) {
    const { head } = await log.reader.bounds(topic, partition);
    for (let offset = 0n; offset < head;) {
      const batch = await log.reader.read({ topic, partition, offset }, LIMITS);
      records.push(...batch.records);
      offset = batch.nextOffset;
    }
  }
  return records;
}

async function partitionsWithout(log: KafkaLog, topic: string, key: string): Promise<StoredRecord[]> {
  const records = await readAll(log, topic);
  const poisoned = records.find((each) => each.key === key)?.partition;
  return records.filter(({ partition }) => partition !== poisoned);
}

async function eventually(check: () => Promise<boolean> | boolean, timeoutMs = 30_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > until) throw new Error(`did not happen: ${check.toString()}`);
    await sleep(20);
  }
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
