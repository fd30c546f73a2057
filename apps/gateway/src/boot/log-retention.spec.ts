import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createMemoryLog, openSegmentReader, openSegmentWriter } from '#event-log/event-log.module.js';
import { ALL_TOPICS, TOPICS } from '#events/domain/topics.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { startLogRetention } from './log-retention.js';

const DAY_MS = 86_400_000;
const logger = createLogger({ level: 'error' });

async function filledLog(): Promise<{ directory: string; nowMs: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'nextmodel-retention-'));
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict', segmentBytesMax: 4_096 });
  for (let n = 0; n < 40; n += 1) {
    const topic = n === 0 ? TOPICS.control : TOPICS.receipts;
    await writer.append([{ topic, key: `k${n}`, value: 'x'.repeat(500), headers: { ce_id: `e${n}` } }]).durable;
  }
  await writer.close();
  return { directory, nowMs: Date.now() };
}
const segmentsIn = (directory: string): number =>
  readdirSync(join(directory, '0')).filter((name) => name.endsWith('.seg') || name.endsWith('.log')).length;

async function runPass(directory: string, shipped: boolean, nowMs: number, passed: bigint): Promise<void> {
  const { checkpoints } = createMemoryLog();
  for (const topic of ALL_TOPICS) {
    await checkpoints.save('shipper', topic, 0, passed);
    await checkpoints.save('recovery', topic, 0, passed);
  }
  await checkpoints.save('control-carried', TOPICS.control, 0, BigInt(nowMs - 100 * DAY_MS));
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict', segmentBytesMax: 4_096 });
  const reader = openSegmentReader({ directory });
  const stop = startLogRetention({
    directory,
    partition: 0,
    reader,
    writer,
    checkpoints,
    shipped,
    nowMs: () => nowMs,
    logger,
  });
  await sleep(300);
  stop();
  await writer.close();
  await reader.close();
}

describe('log retention', () => {
  it('keeps what is young, and what has not been shipped', async () => {
    const { directory, nowMs } = await filledLog();
    const before = segmentsIn(directory);

    await runPass(directory, false, nowMs + 30 * DAY_MS, 1_000n);
    await runPass(directory, true, nowMs + 30 * DAY_MS, 0n);

    expect(before).toBeGreaterThan(3);
    expect(segmentsIn(directory)).toBeGreaterThanOrEqual(before);
  });

  it('deletes what was shipped an hour ago', async () => {
    const { directory, nowMs } = await filledLog();

    await runPass(directory, true, nowMs + DAY_MS, 1_000n);

    expect(segmentsIn(directory)).toBeLessThan(3);
  });

  it('deletes receipts after 400 days, and carries the control topic forward before', async () => {
    const { directory, nowMs } = await filledLog();

    await runPass(directory, false, nowMs + 401 * DAY_MS, 1_000n);

    expect(segmentsIn(directory)).toBeLessThan(3);
    const reader = openSegmentReader({ directory });
    const kept = await reader.read(
      { topic: TOPICS.control, partition: 0, offset: 0n },
      { recordsMax: 10, bytesMax: 1_000_000, waitMs: 0 },
    );
    await reader.close();
    expect(kept.records.map((record) => record.headers['ce_id'])).toEqual(['e0']);
  });
});
