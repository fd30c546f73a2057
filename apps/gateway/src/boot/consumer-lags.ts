import { TOPICS } from '#events/domain/topics.js';
import { openFileCheckpoints } from '#event-log/event-log.module.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { ingesterCheckpoints } from '../replay/ingester-checkpoints.js';
import { INGESTER_GROUP } from '../replay/replay-receipts.js';
import type { BootOrder } from './boot-order.js';
import type { GatewayCache } from './open-cache.js';

/** How far the consumers of this instance are behind the log. Those on Kafka are Kafka's to tell. */
export async function consumerLags(
  order: BootOrder,
  reader: EventLogReader,
  cache: Pick<GatewayCache, 'lag'>,
): Promise<Readonly<Record<string, number>>> {
  const lags: Record<string, number> = {};
  lags['cache-index'] = Number(await cache.lag().catch(() => 0n));
  if (order.settings.environment.kafkaBrokers.length > 0) return lags;
  const checkpoints = openFileCheckpoints(ingesterCheckpoints(order.clickhouseDirectory));
  let behind = 0n;
  for (const partition of await reader.partitions(TOPICS.receipts)) {
    const { first, head } = await reader.bounds(TOPICS.receipts, partition);
    behind += head - ((await checkpoints.load(INGESTER_GROUP, TOPICS.receipts, partition)) ?? first);
  }
  lags[INGESTER_GROUP] = Number(behind);
  return lags;
}
