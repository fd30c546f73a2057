/** Entry of the child process that holds the embedded ClickHouse. Started by `startSqlEngine` only. */
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedEngine } from './embedded-engine.js';
import type { EngineMessage, StartMessage } from './engine-messages.js';
import { lockFolder } from './folder-lock.js';
import { createSqlServer } from './sql-http-server.js';

/** How long to wait for a predecessor to leave the port and the folder. */
const TAKE_OVER_MS = 3_000;
const CLOSE_MS = 1_500;

let engine: EmbeddedEngine | null = null;
let server: Server | null = null;
let unlock: (() => void) | null = null;
let stopping = false;

process.on('SIGTERM', () => void stop());
// a terminal sends this to the whole group; the parent decides when it is our turn
process.on('SIGINT', () => {});
process.on('disconnect', () => void stop());
process.once('message', (message: StartMessage) => void start(message));

async function start(options: StartMessage): Promise<void> {
  server = createSqlServer({
    passwords: { audit: options.auditPassword, ingest: options.ingestPassword },
    engine: () => engine,
  });
  const port = await listen(server, options.port, options.host);
  if (port === null) return fail('port_in_use', `port ${options.port} of ${options.host} is taken`);
  tell({ kind: 'listening', port });
  unlock = await lockFolder(options.dataDir, TAKE_OVER_MS);
  if (unlock === null) return fail('locked', 'another SQL engine owns the data folder');
  try {
    await import('chdb');
  } catch (error) {
    return fail('unavailable', firstLine(error));
  }
  try {
    const opened = await EmbeddedEngine.open(options.dataDir);
    const version = opened.version();
    engine = opened;
    tell({ kind: 'ready', version });
  } catch (error) {
    fail('data_folder', error instanceof Error ? error.message : String(error));
  }
}

async function listen(target: Server, port: number, host: string): Promise<number | null> {
  const deadline = performance.now() + TAKE_OVER_MS;
  for (;;) {
    const outcome = await new Promise<number | 'taken'>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve('taken');
        else reject(error);
      };
      target.once('error', onError);
      target.listen(port, host, () => {
        target.off('error', onError);
        const address = target.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
    if (outcome !== 'taken') return outcome;
    if (performance.now() > deadline) return null;
    await sleep(100);
  }
}

/** Without the path that Node appends. */
function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]?.replace(/ imported from .*/, '') ?? '';
}

function tell(message: EngineMessage): void {
  if (process.connected) process.send?.(message);
}

function fail(reason: Extract<EngineMessage, { kind: 'failed' }>['reason'], detail: string): void {
  tell({ kind: 'failed', reason, detail });
  process.exitCode = 1;
  void stop();
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  const finished = (async (): Promise<void> => {
    if (server !== null) {
      const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
    }
    await engine?.close();
  })();
  await Promise.race([finished, sleep(CLOSE_MS)]);
  unlock?.();
  // inserts are on disk when they are answered; nothing of value is left in memory
  process.exit(process.exitCode ?? 0);
}
