import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSqlEngine, type SqlEngine } from '#receipts/receipts.module.js';
import { FakeQdrant } from '../../../libs/semantic-cache/src/adapters/qdrant/test/fake-qdrant.js';
import { brokerTools, startBroker, type RunningBroker } from '../../../tools/kafka-broker/start-broker.mjs';
import { startUpstream, type ScriptedUpstream } from '../../standalone/test/scripted-upstream.js';
import { ADMIN_TOKEN, eventually, freePort, KEY } from '../../standalone/test/start-product.js';
import { configuration, PRICES } from '../../standalone/test/test-configuration.js';
import { cleanEnv, OwnProcess } from './own-process.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const MASTER_KEY = 'ab'.repeat(32);
export const QDRANT_KEY = 'qdrant-key';
const INGEST_PASSWORD = 'ingest/0123456789@abcdef';

/** Why this machine cannot run the shared mode; empty when it can. */
export function sharedSystemLacks(): string {
  const kafka = brokerTools();
  return [
    kafka.ok ? null : kafka.reason,
    spawnSync('redis-server', ['--version']).status === 0 ? null : 'no redis-server on this machine',
  ]
    .filter((reason) => reason !== null)
    .join('; ');
}

/** What each process runs, below the root of the project. */
export const ENTRIES = {
  gateway: 'dist/apps/gateway/src/main.js',
  ingester: 'dist/apps/receipt-ingester/src/main.js',
  indexer: 'dist/apps/cache-indexer/src/main.js',
} as const;

export class Gateway extends OwnProcess {
  readonly baseUrl: string;

  constructor(name: string, port: number, env: NodeJS.ProcessEnv, cwd: string) {
    super(name, [process.execPath, join(ROOT, ENTRIES.gateway)], env, cwd);
    this.baseUrl = `http://127.0.0.1:${port}`;
  }

  /** @returns milliseconds until requests were taken. */
  async serve(): Promise<number> {
    const began = performance.now();
    this.start();
    await eventually(async () => {
      if (!this.running) throw new Error(`${this.name} ended: ${this.output().slice(-2_000)}`);
      return (await fetch(`${this.baseUrl}/readyz`)).ok;
    }, 40_000);
    return Math.round(performance.now() - began);
  }

  async readyz(): Promise<{ readonly http: number; readonly text: string; readonly status: string }> {
    const response = await fetch(`${this.baseUrl}/readyz`);
    const text = await response.text();
    return { http: response.status, text, status: (JSON.parse(text) as { status: string }).status };
  }

  async admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.baseUrl}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }
}

/** What `docker-compose.yml` starts, as processes on this machine. Qdrant alone is a stand-in. */
export interface SharedSystem {
  /** Where all processes run; holds `nextmodel.yaml`. */
  readonly directory: string;
  /** Of all gateways. */
  readonly transparencyDirectory: string;
  readonly a: Gateway;
  readonly b: Gateway;
  readonly ingester: OwnProcess;
  readonly indexer: OwnProcess;
  readonly redis: OwnProcess;
  readonly broker: RunningBroker;
  readonly redisUrl: string;
  readonly qdrantUrl: string;
  /** Names of the variables that all processes get. */
  readonly variables: readonly string[];
  readonly upstreams: readonly ScriptedUpstream[];
  startClickhouse(): Promise<void>;
  stopClickhouse(): Promise<void>;
  /** A further gateway with variables of its own. */
  gateway(name: string, env: NodeJS.ProcessEnv): Promise<Gateway>;
  /** Runs `nextmodel` with a data directory of its own. */
  command(...words: readonly string[]): OwnProcess;
  sql(query: string): Promise<readonly (readonly string[])[]>;
  close(): Promise<void>;
}

/** Engines and broker run and the broker is stopped again; no process of the product is started. */
export async function prepareSharedSystem(): Promise<SharedSystem> {
  const directory = mkdtempSync(join(tmpdir(), 'nextmodel-shared-'));
  const [alpha, beta] = await Promise.all([startUpstream('alpha'), startUpstream('beta')]);
  const [dead, redisPort, sqlPort] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(join(directory, 'prices.yaml'), PRICES);
  writeFileSync(join(directory, 'nextmodel.yaml'), configuration({ alpha: alpha.port, beta: beta.port, dead }));
  const qdrant = new FakeQdrant();
  const qdrantUrl = await qdrant.listen();
  const broker = await startBroker({ dir: join(directory, 'kafka') });
  const redis = new OwnProcess(
    'redis',
    ['redis-server', '--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', directory],
    cleanEnv(),
    directory,
  );
  const variables: NodeJS.ProcessEnv = {
    ...cleanEnv(),
    NEXTMODEL_API_KEY: KEY,
    NEXTMODEL_ADMIN_TOKEN: ADMIN_TOKEN,
    NEXTMODEL_MASTER_KEY: MASTER_KEY,
    NEXTMODEL_KAFKA_BROKERS: broker.brokers.join(','),
    NEXTMODEL_CLICKHOUSE_URL: `http://ingest:${encodeURIComponent(INGEST_PASSWORD)}@127.0.0.1:${sqlPort}`,
    NEXTMODEL_QDRANT_URL: qdrantUrl,
    NEXTMODEL_QDRANT_API_KEY: QDRANT_KEY,
    NEXTMODEL_TRANSPARENCY_DIR: join(directory, 'transparency'),
    NEXTMODEL_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
  };
  const own = (name: string): NodeJS.ProcessEnv => ({ ...variables, NEXTMODEL_DATA_DIR: join(directory, name) });
  const gateway = async (name: string, env: NodeJS.ProcessEnv): Promise<Gateway> => {
    const port = await freePort();
    const one = new Gateway(name, port, { ...own(name), NEXTMODEL_PORT: String(port), ...env }, directory);
    processes.push(one);
    return one;
  };
  const app = (name: string, path: string): OwnProcess => {
    const one = new OwnProcess(name, [process.execPath, join(ROOT, path)], own(name), directory);
    processes.push(one);
    return one;
  };
  const processes: OwnProcess[] = [redis];
  let engine: SqlEngine | null = null;
  mkdirSync(join(directory, 'clickhouse'));
  return {
    directory,
    transparencyDirectory: join(directory, 'transparency'),
    a: await gateway('gateway-a', {}),
    b: await gateway('gateway-b', {}),
    ingester: app('receipt-ingester', ENTRIES.ingester),
    indexer: app('cache-indexer', ENTRIES.indexer),
    redis,
    broker,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    qdrantUrl,
    upstreams: [alpha, beta],
    variables: Object.keys(variables).filter((name) => name.startsWith('NEXTMODEL_')),
    gateway,
    async startClickhouse() {
      const options = { dataDir: join(directory, 'clickhouse'), port: sqlPort, host: '127.0.0.1' };
      engine = await startSqlEngine({ ...options, auditPassword: 'look', ingestPassword: INGEST_PASSWORD });
      await engine.ready;
    },
    async stopClickhouse() {
      await engine?.stop();
      engine = null;
    },
    command(...words) {
      const line: [string, ...string[]] = [process.execPath, join(ROOT, 'bin/nextmodel.mjs'), ...words];
      const one = new OwnProcess(words.join(' '), line, own('command'), directory);
      processes.push(one);
      return one;
    },
    async sql(query) {
      const settings = 'default_format=JSONCompact&output_format_json_quote_decimals=1';
      const response = await fetch(`http://127.0.0.1:${sqlPort}/?database=nextmodel&${settings}`, {
        method: 'POST',
        body: query,
        headers: { 'x-clickhouse-user': 'ingest', 'x-clickhouse-key': INGEST_PASSWORD },
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`SQL answered ${response.status}: ${text.slice(0, 300)}`);
      return (JSON.parse(text) as { data: unknown[][] }).data.map((row) => row.map(String));
    },
    async close() {
      await Promise.all(processes.map((one) => one.stop('SIGKILL')));
      await engine?.stop();
      await broker.stop();
      qdrant.close();
      await Promise.all([alpha.close(), beta.close()]);
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
