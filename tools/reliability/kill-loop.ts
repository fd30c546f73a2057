import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAILPOINTS, type Failpoint } from '#events/ports/failpoint.js';
import { faultConfiguration } from './fault-configuration.js';
import { startFaultUpstream } from './fault-upstream.js';
import {
  ADMIN_TOKEN,
  CLIENT_KEY,
  EndedWhileStarting,
  SQL_PASSWORD,
  startGateway,
  type GatewayProcess,
} from './gateway-process.js';
import { checkHistory, type ClientEntry, type Violation } from './history-checker.js';
import { callGateway, newId, readStream } from './http-call.js';
import { readLog, readRows } from './read-history.js';
import { seededRandom } from './seeded-random.js';

export interface KillLoopOptions {
  /** How often each point kills. */
  readonly kills: number;
  /** Kills at random moments. */
  readonly randomKills: number;
  readonly seed?: number;
  /** Default: all that a product without Kafka passes. */
  readonly points?: readonly Failpoint[];
  /** A Kafka broker that holds nothing of an earlier run; with it the shipper's points can be named too. */
  readonly brokers?: readonly string[];
  readonly onRound?: (round: string) => void;
}

export interface KillLoopReport {
  readonly kills: number;
  /** Kills of each point, and of `random`. */
  readonly byPoint: Readonly<Record<string, number>>;
  /** Points that were armed and never passed; a round of theirs proves nothing. */
  readonly notReached: readonly string[];
  readonly requests: number;
  /** Of them, turned away by an overloaded gateway: no receipt, no call. */
  readonly refused: number;
  readonly receipts: number;
  readonly unknown: number;
  readonly violations: readonly Violation[];
  /** Longest start after a kill, until requests were taken. */
  readonly readyMsMax: number;
  /** The point that was armed at that start, or `random`; `whole` when it was the whole product. */
  readonly slowestStart: string;
}

/** Passed by a shipper, which only a gateway with Kafka has. */
const OF_SHIPPER: ReadonlySet<Failpoint> = new Set(['ship_sent', 'ship_acked']);
/** Segments are deleted after a year; `retention-kill.int-spec.ts` kills there. */
const OF_RETENTION: ReadonlySet<Failpoint> = new Set(['segment_unlinked']);
const IN_THIS_LOOP = FAILPOINTS.filter((point) => !OF_SHIPPER.has(point) && !OF_RETENTION.has(point));
/** Passed by the ingester, which only the whole product has. */
const OF_INGESTER: ReadonlySet<Failpoint> = new Set(['table_inserted', 'batch_handled']);
const OF_START: ReadonlySet<Failpoint> = new Set([
  'recovery_found',
  'recovery_sealed',
  'segment_headed',
  'segment_named',
]);
/** Passed every other second only. */
const RARE: ReadonlySet<Failpoint> = new Set(['checkpoint_written']);
/** How many passages of a point a load is sure to make; default 8. */
const PASSAGES: Partial<Record<Failpoint, number>> = {
  cache_indexed: 4,
  checkpoint_written: 2,
  control_durable: 2,
  stream_started: 3,
  stream_event: 20,
};
const REQUESTS = 24;
const LOADS_MAX = 3;
const PRICES = `
- { provider: fault, model: "f:echo", currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 2, input_cache_read: 0.5, output_text: 8, output_reasoning: 8 } }
`;
const TENANTS = ['north', 'south'] as const;
const SQL_WAIT_MS = 30_000;

/**
 * Kills the product again and again while it works, lets it recover, and compares what callers, upstream, log and
 * tables say. Everything happens on one data directory, so that each life inherits the death of the one before.
 */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const random = seededRandom(options.seed ?? 1);
  const directory = mkdtempSync(join(tmpdir(), 'nextmodel-kills-'));
  writeFileSync(join(directory, 'prices.yaml'), PRICES);
  const upstream = await startFaultUpstream();
  const configurationWith = (cache: boolean): string =>
    `${faultConfiguration({ upstream: upstream.baseUrl, cache })}prices: { files: [ ./prices.yaml ], unpriced: allow }\n`;
  let configuration = configurationWith(false);
  const clients: ClientEntry[] = [];
  const notReached: string[] = [];
  const keys: string[] = [];
  const byPoint: Record<string, number> = {};
  const lives: GatewayProcess[] = [];
  let readyMsMax = 0;
  let slowestStart = '';
  const killed = (name: string): void => {
    const point = name.split(':')[0] as string;
    byPoint[point] = (byPoint[point] ?? 0) + 1;
    options.onRound?.(name);
  };
  const cleanUp = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', cleanUp);
  const start = async (failpoint: string | null, whole = false): Promise<GatewayProcess> => {
    const env: Record<string, string> = failpoint === null ? {} : { FAILPOINT: failpoint };
    if (options.brokers !== undefined) env['NEXTMODEL_KAFKA_BROKERS'] = options.brokers.join(',');
    const beganMs = performance.now();
    const gateway = await startGateway({ configuration, directory, whole, env });
    lives.push(gateway);
    const readyMs = performance.now() - beganMs;
    if (readyMs > readyMsMax) slowestStart = `${failpoint ?? 'random'}${whole ? ' whole' : ''}`;
    readyMsMax = Math.max(readyMsMax, readyMs);
    return gateway;
  };

  /** A life under load that ends at the point, or is ended after the load. */
  const round = async (name: string, gateway: GatewayProcess, killAfterMs: number | null): Promise<void> => {
    if (keys.length === 0) keys.push(...(await makeKeys(gateway)));
    const loads: Promise<void>[] = [];
    if (killAfterMs !== null) setTimeout(() => gateway.kill(), killAfterMs);
    // A gateway that refuses much of a load, because the machine is busy, passes its point in the next.
    const loadsMax = killAfterMs === null ? LOADS_MAX : 1;
    while (gateway.exit === null && loads.length < loadsMax) {
      const load = runLoad(gateway, keys, random, clients);
      loads.push(load);
      await Promise.race([load, gateway.ended]);
      // Its callers notice a death before its exit is told to us.
      const graceMs = RARE.has(name.split(':')[0] as Failpoint) ? 3_000 : 1_000;
      if (gateway.exit === null && killAfterMs === null) await Promise.race([sleep(graceMs), gateway.ended]);
    }
    if (gateway.exit === null && killAfterMs === null) notReached.push(name);
    gateway.kill();
    await gateway.ended;
    await Promise.all(loads);
    killed(name);
  };
  /** A start that appends much, such as one that recovers, may pass the point on its own. */
  const armedRound = async (name: string): Promise<void> => {
    try {
      await round(name, await start(name), null);
    } catch (error) {
      if (!(error instanceof EndedWhileStarting) || error.exit.signal !== 'SIGKILL') throw error;
      killed(name);
    }
  };

  try {
    // The first life makes the keys; everything after it finds a log with a past.
    await round('random', await start(null), 150);
    const points = options.points ?? IN_THIS_LOOP;
    for (let kill = 0; kill < options.randomKills; kill += 1) {
      await round('random', await start(null), 20 + Math.floor(random() * 500));
    }
    for (const point of points.filter((one) => OF_INGESTER.has(one))) {
      for (let turn = 0; turn < options.kills; turn += 1) {
        // All of a load fits into one batch.
        const name = `${point}:${point === 'batch_handled' ? 1 : 1 + Math.floor(random() * 3)}`;
        const reached = await childDies(await start(name, true), /ingester died/, keys, random, clients);
        if (!reached) notReached.push(name);
        killed(name);
      }
    }
    // A cache reads batches as well: from here on the gateway would pass the ingester's points first.
    configuration = configurationWith(true);
    for (let turn = 0; turn < options.kills; turn += 1) {
      for (const point of points) {
        if (OF_INGESTER.has(point) || OF_SHIPPER.has(point)) continue;
        const at = OF_START.has(point) ? 1 : 1 + Math.floor(random() * (PASSAGES[point] ?? 8));
        const name = `${point}:${at}`;
        if (!OF_START.has(point)) {
          await armedRound(name);
          continue;
        }
        // Segments are made at the first start only; there it dies on a directory of its own.
        const died = await startDies(name, configuration, point.startsWith('segment_') ? null : directory);
        if (!died) notReached.push(name);
        killed(name);
      }
    }
    for (const point of points.filter((one) => OF_SHIPPER.has(one))) {
      for (let turn = 0; turn < options.kills; turn += 1) {
        const name = `${point}:${1 + Math.floor(random() * 3)}`;
        const reached = await childDies(await start(name), /the shipper died/, keys, random, clients);
        if (!reached) notReached.push(name);
        killed(name);
      }
    }
    const last = await start(null, true);
    await runLoad(last, keys, random, clients);
    const { receipts, steps } = await readLog(join(directory, 'data'));
    const distinct = new Set(receipts.map(({ receiptId }) => receiptId)).size;
    const rows = await readAllRows(last.sqlPort, distinct);
    await last.stop();
    const calls = [...Map.groupBy(upstream.calls, ({ id }) => id)].map(([id, all]) => ({ id, calls: all.length }));
    return {
      kills: Object.values(byPoint).reduce((sum, count) => sum + count, 0),
      byPoint,
      notReached,
      requests: clients.length,
      refused: clients.filter(({ outcome }) => outcome === 'refused').length,
      receipts: distinct,
      unknown: receipts.filter(({ status }) => status === 'unknown').length,
      violations: checkHistory({
        clients,
        upstream: calls,
        receipts,
        rows,
        steps,
        printed: lives.map(({ output }) => output),
        secrets: [CLIENT_KEY, ADMIN_TOKEN, SQL_PASSWORD, ...keys],
      }),
      readyMsMax: Math.round(readyMsMax),
      slowestStart,
    };
  } finally {
    await upstream.close();
    process.off('exit', cleanUp);
    cleanUp();
  }
}

async function makeKeys(gateway: GatewayProcess): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const tenant of TENANTS) {
    const response = await fetch(`${gateway.origin}/admin/v1/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify({ name: tenant, tenant }),
    });
    keys.push(((await response.json()) as { key: string }).key);
  }
  return keys;
}

/** Requests of all kinds over a good quarter of a second; never rejects. */
async function runLoad(
  gateway: GatewayProcess,
  keys: readonly string[],
  random: () => number,
  clients: ClientEntry[],
): Promise<void> {
  const control = sleep(60).then(() => makeKeys(gateway).catch(() => []));
  const requests = Array.from({ length: REQUESTS }, async (_, at) => {
    await sleep(at * 10);
    const kind = ['f:echo', 'f:echo', 'f:echo', 'f:flaky:1', 'f:500', 'f:s_fin', 'f:echo'][at % 7] as string;
    const stream = kind === 'f:s_fin' || random() < 0.5;
    const tenant = at % 2;
    const leaves = at % 7 === 6;
    const id = newId();
    const result = await callGateway(gateway.baseUrl, kind, {
      id,
      stream,
      key: keys[tenant] as string,
      headers: { 'x-nextmodel-tags': `case=${id}` },
      deadlineMs: 12_000,
      ...(leaves ? { leaveAfterMs: Math.floor(random() * 60) } : {}),
    });
    const read = readStream(result.body);
    const asStream = stream && result.status === 200;
    const whole = result.status === 200 && result.whole && result.error === null && (!stream || read.doneCount === 1);
    const told = result.whole && (result.status >= 400 || read.errorFrames > 0);
    const receiptId = String(result.headers['x-nextmodel-receipt-id'] ?? '').replace(/^rcpt_/, '') || null;
    const refused = result.status === 503 && receiptId === null && codeOf(result.body) === 'overloaded';
    clients.push({
      id,
      tenantId: TENANTS[tenant] as string,
      outcome: whole ? 'whole' : refused ? 'refused' : told ? 'error' : 'gone',
      receiptId,
      text: kind !== 'f:echo' || !whole ? null : stream ? read.text : contentOf(result.body),
      silentEnd: asStream && result.whole && result.error === null && !whole && !told && !leaves,
    });
  });
  await Promise.all([...requests, control]);
}

function codeOf(body: Buffer): string | null {
  try {
    return (JSON.parse(body.toString('utf8')) as { error: { code: string | null } }).error.code;
  } catch {
    return null;
  }
}

function contentOf(body: Buffer): string {
  const { choices } = JSON.parse(body.toString('utf8')) as { choices: { message: { content: string } }[] };
  return choices[0]?.message.content ?? '';
}

async function startDies(failpoint: string, configuration: string, directory: string | null): Promise<boolean> {
  const own = directory ?? mkdtempSync(join(tmpdir(), 'nextmodel-kills-'));
  writeFileSync(join(own, 'prices.yaml'), PRICES);
  try {
    const survivor = await startGateway({ configuration, directory: own, env: { FAILPOINT: failpoint } });
    await survivor.close();
    return false;
  } catch {
    if (directory !== null) return true;
    const next = await startGateway({ configuration, directory: own });
    await next.close();
    return true;
  } finally {
    if (directory === null) rmSync(own, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whoever started the child starts the next one by itself; the product as a whole stays up. */
async function childDies(
  product: GatewayProcess,
  told: RegExp,
  keys: readonly string[],
  random: () => number,
  clients: ClientEntry[],
): Promise<boolean> {
  await runLoad(product, keys, random, clients);
  const deadline = performance.now() + SQL_WAIT_MS;
  const died = (): boolean => told.test(product.output);
  while (!died() && performance.now() < deadline) await sleep(50);
  await sleep(1_200);
  await product.stop();
  return died();
}

async function readAllRows(sqlPort: number, count: number): Promise<Awaited<ReturnType<typeof readRows>>> {
  const deadline = performance.now() + SQL_WAIT_MS;
  for (;;) {
    const rows = await readRows(sqlPort).catch(() => []);
    if (rows.length >= count || performance.now() > deadline) return rows;
    await sleep(100);
  }
}
