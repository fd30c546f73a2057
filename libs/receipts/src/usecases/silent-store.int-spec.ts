import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RouterError } from '#events/domain/router-error.js';
import { ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { MemoryTailIntents } from '../adapters/memory/memory-tail-intents.js';
import { openClickhouseStore } from '../receipts.module.js';
import type { StepReport } from './bounded-step.js';
import { createReceiptIngest } from './ingest-receipts.js';

const LIMITS_MS = { slow: 30, insert: 300, read: 5_000, change: 5_000 };

/** Answers as ClickHouse does, and says nothing to the inserts that `silentFor` counts down. */
describe('an SQL store that takes an insert and never answers', () => {
  const inserts: { readonly table: string; readonly token: string | null }[] = [];
  let silentTable = '';
  let silentFor = 0;
  let server: Server;
  let url = '';
  const log = new ArrayLog();
  const receipts = [...generateReceipts({ seed: 5, count: 20, endMs: Date.UTC(2026, 10, 20), days: 1 })];

  beforeAll(async () => {
    log.append(0, ...receipts.map(sealedRecord));
    server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
      request.resume();
      request.once('end', () => {
        const table = /INSERT INTO nextmodel\.(\w+)/i.exec(searchParams.get('query') ?? '')?.[1];
        if (table !== undefined) inserts.push({ table, token: searchParams.get('insert_deduplication_token') });
        if (table === silentTable && silentFor > 0) silentFor -= 1;
        else response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    inserts.length = 0;
  });

  it.each(['attempts', 'receipts', 'log_entries'])(
    'is given up at the limit, told by name, and given the same rows with the same token again: %s',
    async (table) => {
      const reports: StepReport[] = [];
      const delays: RouterError[] = [];
      const store = openClickhouseStore({
        url,
        username: 'ingest',
        password: 'write',
        limitsMs: LIMITS_MS,
        onReport: (report) => reports.push(report),
      });
      const ingest = createReceiptIngest({
        store,
        intents: new MemoryTailIntents(),
        deadLetter: async () => {},
        onDelay: (error) => delays.push(error),
      });
      [silentTable, silentFor] = [table, 1];

      const first = await ingest(log.batch(0, 0, 20));
      const second = await ingest(log.batch(0, 0, 20));

      expect([first.kind, second.kind]).toEqual(['again', 'done']);
      expect(reports.filter(({ step }) => step === `insert into ${table}`).map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['slow', 'unanswered']),
      );
      expect(delays.map(({ message }) => message)).toEqual([expect.stringContaining(`insert into ${table}`)]);
      const tokens = inserts.filter((insert) => insert.table === table).map(({ token }) => token);
      expect(tokens).toHaveLength(2);
      expect(new Set(tokens).size).toBe(1);
      expect(inserts.at(-1)?.table).toBe('log_entries');
      await store.close();
    },
  );

  it('is given up also while all connections wait for answers', async () => {
    const store = openClickhouseStore({ url, username: 'ingest', password: 'write', limitsMs: LIMITS_MS });
    const batches = Array.from({ length: 12 }, (_, n) => log.batch(0, n, n + 1));
    [silentTable, silentFor] = ['attempts', 12];

    const outcomes = await Promise.all(
      batches.map((batch) =>
        createReceiptIngest({ store, intents: new MemoryTailIntents(), deadLetter: async () => {} })(batch),
      ),
    );
    silentFor = 0;
    const next = await createReceiptIngest({ store, intents: new MemoryTailIntents(), deadLetter: async () => {} })(
      log.batch(0, 0, 20),
    );

    // a receipt that the cache answered has no attempt to insert
    expect(outcomes.filter(({ kind }) => kind === 'again').length).toBeGreaterThan(8);
    expect(next.kind).toBe('done');
    await store.close();
  });
});
