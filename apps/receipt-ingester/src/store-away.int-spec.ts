import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '#config/config.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { openSegmentWriter } from '#event-log/event-log.module.js';
import { openClickhouseStore, startSqlEngine, type SqlEngine } from '#receipts/receipts.module.js';
import { generateReceipts } from '#receipts/__fixtures__/generated-receipts.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { runIngester, type RunningIngester } from './run-ingester.js';

const folder = mkdtempSync(join(tmpdir(), 'store-away-'));
const logDirectory = join(folder, 'log');
const receipts = [...generateReceipts({ seed: 9, count: 400, endMs: Date.now(), days: 2 })];
const records = receipts.map((receipt) =>
  encodeEvent(
    'nextmodel.receipt.sealed.v1',
    `${receipt.receiptId}/sealed`,
    receipt.receiptId,
    receipt.sealedAt,
    receipt,
  ),
);

/** Stands before the engine: passes on, hangs up at once, or takes what is sent and says nothing. */
class Door {
  way: 'open' | 'refuses' | 'silent' = 'open';
  met = 0;
  readonly #sockets = new Set<Socket>();
  readonly server: Server;

  constructor(port: () => number) {
    this.server = createServer((socket) => {
      this.#keep(socket);
      if (this.way !== 'open') this.met += 1;
      if (this.way === 'refuses') return void socket.destroy();
      if (this.way === 'silent') return void socket.resume();
      const engine = connect(port(), '127.0.0.1');
      this.#keep(engine);
      socket.pipe(engine).pipe(socket);
      socket.once('close', () => engine.destroy());
      engine.once('close', () => socket.destroy());
    });
  }

  /** Also cuts what is under way: an insert may or may not have happened. */
  turn(way: Door['way']): void {
    this.way = way;
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Receipts, attempts and log entries of the first so many. */
function expected(upTo: number): number[] {
  const some = receipts.slice(0, upTo);
  return [upTo, some.reduce((sum, { attempts }) => sum + attempts.length, 0), upTo];
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

describe('the receipt ingester while ClickHouse is away', () => {
  let engine: SqlEngine;
  let running: RunningIngester;
  let store: ReturnType<typeof openClickhouseStore>;
  let metricsPort = 0;
  const writer = openSegmentWriter({ directory: logDirectory, partition: 0, durability: 'fast' });
  const door = new Door(() => Number(new URL(engine.url).port));
  const counts = async (): Promise<unknown> =>
    (
      await store.query(
        `SELECT toUInt32((SELECT count() FROM nextmodel.receipts)), toUInt32((SELECT count() FROM nextmodel.attempts)),
           toUInt32((SELECT count() FROM nextmodel.log_entries))`,
        {},
      )
    ).rows[0];
  const delays = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(/^nextmodel_ingester_delays_total (\d+)/m.exec(text)?.[1] ?? 0);
  };

  beforeAll(async () => {
    engine = await startSqlEngine({
      dataDir: join(folder, 'clickhouse'),
      port: 0,
      host: '127.0.0.1',
      auditPassword: 'look',
      ingestPassword: 'write',
    });
    await engine.ready;
    await new Promise<void>((resolve) => door.server.listen(0, '127.0.0.1', resolve));
    const spare = createServer();
    await new Promise<void>((resolve) => spare.listen(0, '127.0.0.1', resolve));
    metricsPort = portOf(spare);
    await new Promise((resolve) => spare.close(resolve));
    const loaded = loadSettings({ env: { NEXTMODEL_INGESTER_METRICS_PORT: String(metricsPort) }, cwd: folder });
    if (!loaded.ok) throw new Error('no settings');
    store = openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write' });
    running = await runIngester(
      {
        kind: 'ingest',
        settings: loaded.settings,
        logDirectory,
        clickhouseDirectory: join(folder, 'clickhouse'),
        sql: { url: `http://127.0.0.1:${portOf(door.server)}`, username: 'ingest', password: 'write' },
      },
      createLogger({ level: 'error' }),
      { insert: 1_000, read: 1_000, slow: 300 },
    );
  });
  afterAll(async () => {
    door.turn('open');
    await running.stop();
    await store.close();
    await engine.stop();
    await (await writer).close();
    door.server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['hangs up', 'refuses', 100],
    ['takes everything and answers nothing', 'silent', 250],
  ] as const)(
    'waits, counts the delays, and stores every receipt once when it is back, after one that %s',
    async (_what, way, from) => {
      const log = await writer;
      await log.append(records.slice(from - 100, from)).durable;
      await expect.poll(counts, { timeout: 40_000 }).toEqual(expected(from));
      const before = await delays();

      door.turn(way);
      await log.append(records.slice(from, from + 50)).durable;
      await expect.poll(delays, { timeout: 40_000 }).toBeGreaterThan(before + 2);
      const away = await counts();
      door.turn('open');

      expect(door.met).toBeGreaterThan(2);
      expect(away).toEqual(expected(from));
      await expect.poll(counts, { timeout: 60_000 }).toEqual(expected(from + 50));
    },
    200_000,
  );
});
