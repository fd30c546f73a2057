import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { of } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { BATCH_TRANSPORT, createBatchTransport } from '../batch-transport.module.js';
import { createMemoryLog } from '../event-log.module.js';
import type { BatchOutcome, RecordBatch } from '../ports/event-log.js';

const DONE: BatchOutcome = { kind: 'done' };
const seen: string[] = [];
const failures: (() => never)[] = [];
const outcomes: unknown[] = [];

@Controller()
class ReceiptsController {
  @EventPattern<string>('nextmodel.receipts', BATCH_TRANSPORT)
  async take(batch: RecordBatch): Promise<BatchOutcome> {
    failures.shift()?.();
    seen.push(...batch.records.map(placeOf));
    return DONE;
  }

  @EventPattern<string>('nextmodel.content', BATCH_TRANSPORT)
  takeContent(batch: RecordBatch): unknown {
    const outcome = outcomes.shift();
    if (outcome !== undefined) return outcome;
    seen.push(...batch.records.map(placeOf));
    return of({ kind: 'ignored' }, DONE);
  }
}

@Module({ controllers: [ReceiptsController] })
class ReceiptsModule {}

describe('the batch transport in a Nest microservice', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    for (const list of [seen, failures, outcomes]) list.splice(0);
  });

  const start = async () => {
    const log = createMemoryLog();
    const strategy = createBatchTransport({
      subscriber: log.subscriber,
      group: 'g',
      recordsMax: 100,
      lingerMs: 0,
      startAt: 'first',
    });
    const app = await NestFactory.createMicroservice(ReceiptsModule, { strategy, logger: false });
    await app.listen();
    closing.push(async () => {
      await app.close();
      await log.subscriber.close();
    });
    return { log, app };
  };

  it('gives batches to the handler of their topic and moves the checkpoint', async () => {
    const { log } = await start();

    log.writer.append([record('nextmodel.receipts'), record('nextmodel.content'), record('nextmodel.receipts')]);
    await vi.waitFor(() => expect(seen).toHaveLength(3));

    expect(seen.toSorted()).toEqual(['nextmodel.content:0', 'nextmodel.receipts:0', 'nextmodel.receipts:1']);
    await vi.waitFor(async () => expect(await log.checkpoints.load('g', 'nextmodel.receipts', 0)).toBe(2n));
    await vi.waitFor(async () => expect(await log.checkpoints.load('g', 'nextmodel.content', 0)).toBe(1n));
  });

  it('commits nothing when the handler throws, and gives the same records again', async () => {
    const { log } = await start();
    const committed: Promise<bigint | null>[] = [];
    const fail = (error: Error) => (): never => {
      committed.push(log.checkpoints.load('g', 'nextmodel.receipts', 0));
      throw error;
    };
    failures.push(fail(new TypeError('not a function')), fail(new SyntaxError('bad JSON')));

    log.writer.append([record('nextmodel.receipts'), record('nextmodel.receipts')]);
    await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 3000 });

    expect(seen).toEqual(['nextmodel.receipts:0', 'nextmodel.receipts:1']);
    expect(await Promise.all(committed)).toEqual([null, null]);
    await vi.waitFor(async () => expect(await log.checkpoints.load('g', 'nextmodel.receipts', 0)).toBe(2n));
  });

  it.each([
    ['again', { kind: 'again', afterMs: 300 }],
    ['nothing that is an outcome', { kind: 'dropped' }],
    ['an empty Observable', of()],
  ])('commits nothing when the handler returns %s', async (_, outcome) => {
    const { log } = await start();
    outcomes.push(outcome);

    log.writer.append([record('nextmodel.content')]);
    await vi.waitFor(() => expect(outcomes).toHaveLength(0));
    expect(await log.checkpoints.load('g', 'nextmodel.content', 0)).toBeNull();
    await vi.waitFor(() => expect(seen).toEqual(['nextmodel.content:0']), { timeout: 3000 });

    await vi.waitFor(async () => expect(await log.checkpoints.load('g', 'nextmodel.content', 0)).toBe(1n));
  });

  it('closes with the app, and nothing is delivered after that', async () => {
    const { log, app } = await start();
    log.writer.append([record('nextmodel.receipts')]);
    await vi.waitFor(() => expect(seen).toHaveLength(1));

    await app.close();
    log.writer.append([record('nextmodel.receipts')]);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });

    expect(seen).toHaveLength(1);
    expect(await log.checkpoints.load('g', 'nextmodel.receipts', 0)).toBe(1n);
  });
});

function placeOf(stored: StoredRecord): string {
  return `${stored.topic}:${stored.offset}`;
}

function record(topic: string): NewRecord {
  return { topic, key: 'k', value: '{}', headers: {} };
}
