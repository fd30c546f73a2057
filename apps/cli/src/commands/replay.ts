import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { dataDirectoryOwner, openDataDirectory, type DataDirectory } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { openFileCheckpoints, openSegmentReader } from '#event-log/event-log.module.js';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { clickhouseConnection } from '#config/domain/clickhouse-connection.js';
import { ingesterCheckpoints } from '#gateway/replay/ingester-checkpoints.js';
import { openContentCipher } from '#gateway/boot/subject-keys.js';
import { replayCache } from '#gateway/replay/replay-cache.js';
import { replayReceiptTables } from '#gateway/replay/replay-receipts.js';
import { replayTransparency } from '#gateway/transparency/replay-transparency.js';
import { transparencyPaths } from '#gateway/transparency/transparency-paths.js';
import { startSqlEngine } from '#receipts/receipts.module.js';
import { callAdmin } from '../admin-client.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, formatTable, ProgressBar, UsageError } from '../output.js';

interface Job {
  readonly state: 'none' | 'running' | 'done' | 'failed';
  readonly read: number;
  readonly total: number;
  readonly result: { readonly fromLog?: Sums; readonly rebuilt?: Sums; readonly message?: string } | null;
}
type Sums = Readonly<Record<string, string>>;

/**
 * `nextmodel replay cache|receipts|transparency`: rebuilds a view beside the present one, compares it with the log, switches.
 * Through the admin API while an instance runs. Exit 1 when log and view disagree: then nothing was switched.
 */
export async function run(words: readonly string[]): Promise<number> {
  if (words[0]?.startsWith('--') === true)
    return (await import('../counterfactual/replay-policy.js')).replayPolicy(words);
  const [view, ...rest] = words;
  if ((view !== 'cache' && view !== 'receipts' && view !== 'transparency') || rest.length > 0)
    throw new UsageError('usage: nextmodel replay cache|receipts|transparency');
  const settings = requireSettings();
  const bar = new ProgressBar(`replay ${view}`);
  const owner = await dataDirectoryOwner(settings.environment.dataDir);
  if (owner !== null) return replayRunning(settings, view, bar);
  const directory = await openDataDirectory(settings.environment.dataDir, settings.environment);
  const log = await openReader(settings, directory);
  try {
    if (view === 'transparency') return await replayStoppedTransparency(settings, log.reader, bar);
    return view === 'cache'
      ? await replayStoppedCache(settings, directory, log.reader, bar)
      : await replayStoppedReceipts(settings, directory, log.reader, bar);
  } finally {
    await log.close();
    await directory.close();
  }
}

async function replayRunning(settings: Settings, view: string, bar: ProgressBar): Promise<number> {
  await callAdmin(settings, 'POST', `/replay/${view}`);
  for (;;) {
    const job = await callAdmin<Job>(settings, 'GET', '/replay');
    bar.show(job.read, job.total);
    if (job.state === 'running') {
      await sleep(200);
      continue;
    }
    bar.end();
    if (job.result?.message !== undefined) process.stderr.write(`${job.result.message}\n`);
    return tell(job.state === 'done', job.result?.fromLog ?? {}, job.result?.rebuilt ?? {});
  }
}

async function replayStoppedCache(
  settings: Settings,
  directory: DataDirectory,
  reader: EventLogReader,
  bar: ProgressBar,
): Promise<number> {
  const partitions = settings.environment.qdrantUrl === null ? settings.environment.workers : 1;
  let entries = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const cipher = await openContentCipher(settings.environment, directory);
    try {
      const result = await replayCache({
        settings,
        reader,
        vectorsDirectory: directory.vectors,
        partition,
        cipher,
        onProgress: ({ read, total }) => bar.show(read, total),
      });
      entries = result.entries;
    } finally {
      // An open connection to the store of keys would keep the process alive behind its error.
      await cipher.close();
    }
  }
  bar.end();
  return tell(true, { entries: String(entries) }, { entries: String(entries) });
}

async function replayStoppedTransparency(
  settings: Settings,
  reader: EventLogReader,
  bar: ProgressBar,
): Promise<number> {
  const result = await replayTransparency({
    reader,
    ...transparencyPaths(settings.environment),
    onProgress: (read, total) => bar.show(read, total),
  });
  bar.end();
  return tell(result.matches, result.fromLog, result.rebuilt);
}

async function replayStoppedReceipts(
  settings: Settings,
  directory: DataDirectory,
  reader: EventLogReader,
  bar: ProgressBar,
): Promise<number> {
  const { clickhouseUrl, sqlPort, kafkaBrokers } = settings.environment;
  const password = randomBytes(24).toString('base64url');
  const engine =
    clickhouseUrl === null
      ? await startSqlEngine({
          dataDir: directory.clickhouse,
          port: sqlPort,
          host: '127.0.0.1',
          auditPassword: directory.secrets.sqlPassword.value,
          ingestPassword: password,
        })
      : null;
  try {
    await engine?.ready;
    const result = await replayReceiptTables({
      reader,
      sql:
        engine === null ? clickhouseConnection(clickhouseUrl ?? '') : { url: engine.url, username: 'ingest', password },
      checkpoints: kafkaBrokers.length === 0 ? openFileCheckpoints(ingesterCheckpoints(directory.clickhouse)) : null,
      onProgress: ({ read, total }) => bar.show(Number(read), Number(total)),
    });
    bar.end();
    return tell(result.matches, { ...result.fromLog }, { ...result.rebuilt });
  } finally {
    await engine?.stop();
  }
}

async function openReader(
  settings: Settings,
  directory: DataDirectory,
): Promise<{ readonly reader: EventLogReader; close(): Promise<void> }> {
  const brokers = settings.environment.kafkaBrokers;
  if (brokers.length === 0) {
    const reader = openSegmentReader({ directory: directory.log });
    return { reader, close: () => reader.close() };
  }
  const kafka = await openKafkaLog({ brokers, clientId: 'nextmodel-replay' });
  return { reader: kafka.reader, close: () => kafka.close() };
}

function tell(matches: boolean, fromLog: object, rebuilt: object): number {
  const other = new Map(Object.entries(rebuilt));
  const rows = Object.entries(fromLog).map(([name, value]) => [name, String(value), String(other.get(name) ?? '')]);
  process.stdout.write(`${formatTable(['', 'log', 'rebuilt'], rows)}\n`);
  process.stdout.write(
    matches ? 'They agree; the rebuilt view is in place.\n' : 'They do not agree; nothing was switched.\n',
  );
  return matches ? EXIT.ok : EXIT.wrong;
}
