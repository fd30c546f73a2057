import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { ALL_TOPICS, deadLetterTopic, TOPICS } from '#events/domain/topics.js';
import { brokerTools, type RunningBroker, startBroker } from '../../../../../tools/kafka-broker/start-broker.mjs';
import { openFileCheckpoints, openSegmentReader, openSegmentWriter } from '../../event-log.module.js';
import { type KafkaLog, openKafkaLog, startShipper } from '../../kafka-log.module.js';
import type { EventLogReader, EventLogWriter } from '../../ports/event-log.js';
import type { Shipper } from '../../usecases/ship-records.js';

const tools = brokerTools();
const moduleUrl = (path: string): string => new URL(path, import.meta.url).href;

describe.skipIf(!tools.ok && process.env['CI'] === undefined)(`The shipper on Kafka ${tools.reason}`, () => {
  let broker: RunningBroker;
  let directory: string;
  let spool: EventLogWriter;
  let reader: EventLogReader;
  let log: KafkaLog;
  let shippers: Shipper[];

  /** A broker whose topics are as full as the cases before left them: each case counts from where it finds them. */
  beforeAll(async () => {
    broker = await startBroker();
    log = await openKafkaLog({ brokers: broker.brokers, clientId: 'shipper-test' });
  });
  afterAll(async () => {
    await log?.close();
    await broker?.stop();
  });
  beforeEach(async () => {
    shippers = [];
    directory = await mkdtemp(join(tmpdir(), 'nextmodel-spool-'));
    spool = await openSegmentWriter({ directory: join(directory, 'log'), partition: 0, durability: 'fast' });
    reader = openSegmentReader({ directory: join(directory, 'log') });
  });
  afterEach(async () => {
    for (const shipper of shippers) await shipper.stop(0);
    await spool.close();
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  });

  const ship = async (): Promise<Shipper> => {
    const checkpoints = openFileCheckpoints(join(directory, 'checkpoints'));
    const started = await startShipper({
      reader,
      checkpoints,
      brokers: broker.brokers,
      clientId: 'shipper',
      partition: 0,
    });
    shippers.push(started);
    return started;
  };

  it('makes the topics that it needs and brings all topics over, byte for byte and in order', async () => {
    const run = randomUUID();
    const written = ALL_TOPICS.flatMap((topic) => Array.from({ length: 50 }, (_, n) => record(run, topic, n)));
    await spool.append(written).written;

    const shipper = await ship();
    await eventually(() => shipper.status().shippedRecords === written.length);
    const metadata = await log.reader.partitions(TOPICS.receipts);

    for (const topic of ALL_TOPICS) {
      const arrived = await readRun(log, topic, run);
      const expected = written.filter((each) => each.topic === topic);
      expect(arrived).toHaveLength(50);
      expect(byKey(arrived)).toEqual(byKey(expected));
      expect(arrived.map(({ headers }) => ({ ...headers })).sort(byId)).toEqual(
        expected.map(({ headers }) => ({ ...headers })).sort(byId),
      );
    }
    expect(metadata).toHaveLength(12);
    expect(shipper.status()).toMatchObject({ lagRecords: 0n, behindMs: 0 });
  });

  it('loses nothing when it is killed between acknowledgement and checkpoint', async () => {
    const run = randomUUID();
    const total = 3000;
    await spool.append(Array.from({ length: total }, (_, n) => record(run, TOPICS.receipts, n))).written;

    for (let kill = 0; kill < 2; kill += 1) await killAtCheckpoint(directory, broker.brokers, kill);
    const shipper = await ship();
    await eventually(() => shipper.status().lagRecords === 0n && shipper.status().shippedRecords > 0);
    const arrived = await readRun(log, TOPICS.receipts, run);

    const ids = new Set(arrived.map(({ headers }) => headers['ce_id']));
    expect(ids.size).toBe(total);
    // One batch for each kill: that is what at least once costs.
    expect(arrived.length).toBeGreaterThan(total);
    expect(arrived.length).toBeLessThanOrEqual(total + 2 * 1000);
    expect(firstsInOrder(arrived)).toBe(true);
  });

  it('lets the spool grow for ten seconds without a broker, then drains it in order', async () => {
    const run = randomUUID();
    const shipper = await ship();
    await spool.append([record(run, TOPICS.requests, 0)]).written;
    await eventually(() => shipper.status().shippedRecords === 1);
    await broker.kill();

    let count = 1;
    let slowestMs = 0;
    for (const end = performance.now() + 10_000; performance.now() < end;) {
      const records = Array.from({ length: 20 }, (_, n) => record(run, TOPICS.requests, count + n));
      const started = performance.now();
      await spool.append(records).written;
      slowestMs = Math.max(slowestMs, performance.now() - started);
      count += 20;
      await sleep(10);
    }
    await eventually(() => shipper.status().state === 'waiting');
    const away = shipper.status();
    await broker.restart();
    const healed = performance.now();
    await eventually(() => shipper.status().lagRecords === 0n);
    const drainedMs = performance.now() - healed;
    const arrived = await readRun(log, TOPICS.requests, run);

    expect(count).toBeGreaterThan(5000);
    expect(slowestMs).toBeLessThan(500);
    expect(away.lagRecords).toBeGreaterThan(2000n);
    expect(away.behindMs).toBeGreaterThan(5000);
    expect(drainedMs).toBeLessThan(10_000);
    expect(arrived).toHaveLength(count);
    expect(firstsInOrder(arrived)).toBe(true);
  });

  it('parks a record that the broker refuses for its size, with its bytes, and ships the rest', async () => {
    const run = randomUUID();
    const big = { ...record(run, TOPICS.receipts, 1), value: 'x'.repeat(2_000_000) };
    await spool.append([record(run, TOPICS.receipts, 0), big, record(run, TOPICS.receipts, 2)]).written;

    const shipper = await ship();
    await eventually(() => shipper.status().lagRecords === 0n && shipper.status().deadLetters === 1);
    const arrived = await readRun(log, TOPICS.receipts, run);
    const letters = await readRun(log, deadLetterTopic(TOPICS.receipts), run);

    expect(arrived.map(({ headers }) => headers['ce_id']).sort()).toEqual([`${run}/0`, `${run}/2`]);
    expect(letters.map(({ value }) => value.length)).toEqual([2_000_000]);
    expect(letters[0]?.headers).toMatchObject({ 'x-source': `${TOPICS.receipts}:0:1`, ce_id: `${run}/1` });
  });

  it('ships what is left when it is stopped, and stops in time when there is no broker', async () => {
    const run = randomUUID();
    const first = await ship();
    await spool.append(Array.from({ length: 5000 }, (_, n) => record(run, TOPICS.responses, n))).written;
    await first.stop();
    const arrived = await readRun(log, TOPICS.responses, run);
    await broker.kill();
    await spool.append([record(run, TOPICS.responses, 5000)]).written;

    const second = await ship();
    await sleep(100);
    const started = performance.now();
    await second.stop(500);
    const stoppedMs = performance.now() - started;
    await broker.restart();

    expect(arrived).toHaveLength(5000);
    expect(stoppedMs).toBeLessThan(7000);
  });
});

/** Native Node in the child: it strips types, and the hook finds `.ts` where the source says `.js`. */
const HOOKS = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  try { return next(specifier, context); } catch (error) {
    if (!specifier.endsWith('.js')) throw error;
    return next(specifier.slice(0, -3) + '.ts', context);
  }
} });`;

/** Runs a shipper in a process of its own and kills that when its n-th save of a checkpoint begins. */
async function killAtCheckpoint(directory: string, brokers: readonly string[], saves: number): Promise<void> {
  const script = `
    const { openFileCheckpoints, openSegmentReader } = await import(${JSON.stringify(moduleUrl('../../event-log.module.ts'))});
    const { startShipper } = await import(${JSON.stringify(moduleUrl('../../kafka-log.module.ts'))});
    const files = openFileCheckpoints(${JSON.stringify(join(directory, 'checkpoints'))});
    let saves = 0;
    const checkpoints = {
      load: (...place) => files.load(...place),
      save: async (...place) => {
        if (saves++ < ${saves}) return files.save(...place);
        console.log('acknowledged');
        return new Promise(() => {});
      },
    };
    const reader = openSegmentReader({ directory: ${JSON.stringify(join(directory, 'log'))} });
    await startShipper({ reader, checkpoints, brokers: ${JSON.stringify(brokers)}, clientId: 'killed', partition: 0 });
    setInterval(() => {}, 1000);`;
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const args = ['--conditions=nextmodel-source', '--import', hooks, '--input-type=module', '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  try {
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the shipper ended: ${said}`);
      return said.includes('acknowledged');
    });
  } finally {
    child.kill('SIGKILL');
  }
  await eventually(() => child.signalCode !== null || child.exitCode !== null);
}

function record(run: string, topic: string, n: number): NewRecord {
  const id = `${run}/${n}`;
  return { topic, key: `key-${n % 7}`, value: `{"n":${n},"text":"é"}`, headers: { ce_id: id, ce_type: 'test', run } };
}

async function readRun(log: KafkaLog, topic: string, run: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const partition of await log.reader.partitions(topic)) {
    const { head } = await log.reader.bounds(topic, partition);
    for (let offset = 0n; offset < head;) {
      const batch = await log.reader.read(
        { topic, partition, offset },
        { recordsMax: 1000, bytesMax: 4_000_000, waitMs: 1000 },
      );
      records.push(...batch.records.filter(({ headers }) => headers['run'] === run));
      offset = batch.nextOffset;
    }
  }
  return records;
}

/** The order that is promised is that of one key. */
function byKey(records: readonly (NewRecord | StoredRecord)[]): Map<string, string[]> {
  const keys = new Map<string, string[]>();
  for (const { key, value } of records.toSorted((a, b) => a.key.localeCompare(b.key))) {
    const text = typeof value === 'string' ? value : new TextDecoder().decode(value);
    keys.set(key, [...(keys.get(key) ?? []), text]);
  }
  return keys;
}

/** Looking at the first of each id only, are the records of each key in the order of their writing? */
function firstsInOrder(records: readonly StoredRecord[]): boolean {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const { key, headers } of records) {
    const id = headers['ce_id'] as string;
    if (seen.has(id)) continue;
    seen.add(id);
    const n = Number(id.split('/')[1]);
    if (n < (last.get(key) ?? -1)) return false;
    last.set(key, n);
  }
  return true;
}

const byId = (a: Record<string, string>, b: Record<string, string>): number =>
  (a['ce_id'] ?? '').localeCompare(b['ce_id'] ?? '');

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
