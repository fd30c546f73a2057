import { RouterError } from '#events/domain/router-error.js';
import { openFileCheckpoints } from '#event-log/event-log.module.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { OnReplayProgress, ReplayOutcome } from '../http/gateway-parts.js';
import { ingesterCheckpoints } from '../replay/ingester-checkpoints.js';
import { replayReceiptTables } from '../replay/replay-receipts.js';
import type { BootOrder } from './boot-order.js';

const ANSWER_MS = 20_000;

/**
 * Replays the receipts of a running instance: the supervisor stops the ingester, the tables are rebuilt and switched,
 * and the ingester goes on from where the replay ended.
 * @throws RouterError `store_unavailable` where there is no SQL engine, or no supervisor that could stop the ingester.
 */
export async function replayBesideIngester(
  order: BootOrder,
  reader: EventLogReader,
  onProgress: OnReplayProgress,
): Promise<ReplayOutcome> {
  const { sql } = order;
  if (sql === null || process.send === undefined) {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: 'Stop the receipt-ingester and run `nextmodel replay receipts` where the ClickHouse URL is set.',
      httpStatus: 409,
    });
  }
  await askSupervisor('pause-ingester');
  try {
    const onFiles = order.settings.environment.kafkaBrokers.length === 0;
    const result = await replayReceiptTables({
      reader,
      sql,
      checkpoints: onFiles ? openFileCheckpoints(ingesterCheckpoints(order.clickhouseDirectory)) : null,
      onProgress: ({ read, total }) => onProgress(Number(read), Number(total)),
    });
    return { matches: result.matches, fromLog: asText(result.fromLog), rebuilt: asText(result.rebuilt) };
  } finally {
    await askSupervisor('resume-ingester');
  }
}

export function asText(sums: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(sums).map(([name, value]) => [name, String(value)]));
}

function askSupervisor(kind: 'pause-ingester' | 'resume-ingester'): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      if ((message as { kind?: string }).kind !== `${kind}-done`) return;
      clearTimeout(timer);
      process.off('message', onMessage);
      resolve();
    };
    const timer = setTimeout(() => {
      process.off('message', onMessage);
      reject(
        new RouterError({ code: 'store_unavailable', publicMessage: 'The ingester did not answer.', httpStatus: 503 }),
      );
    }, ANSWER_MS);
    process.on('message', onMessage);
    process.send?.({ kind });
  });
}
