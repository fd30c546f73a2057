import { join } from 'node:path';
import { armFailpoint } from '#config/failpoint.module.js';
import { openFileCheckpoints, openSegmentReader } from '#event-log/event-log.module.js';
import { startShipper } from '#event-log/kafka-log.module.js';
import type { ShipperOrder, ShipperReport } from './boot/shipper-child.js';

const REPORT_MS = 1_000;
/** While nothing gets through, waiting is in vain: the records stay in the spool, and the next start ships them. */
const DRAIN_MS_WHEN_STUCK = 500;

/** The shipper process of one gateway: spool to Kafka, until its parent says stop or is gone. */
process.once('message', (message) => {
  armFailpoint();
  void ship(message as ShipperOrder);
});

async function ship(order: ShipperOrder): Promise<void> {
  const reader = openSegmentReader({ directory: order.logDirectory });
  let lastError: string | null = null;
  const shipper = await startShipper({
    reader,
    checkpoints: openFileCheckpoints(join(order.logDirectory, 'checkpoints')),
    brokers: order.brokers,
    clientId: order.clientId,
    partition: order.partition,
    onError: (error) => {
      lastError = error instanceof Error ? error.name : 'unknown';
    },
  });
  let shippedBefore = 0;
  const report = (): void => {
    const { state, lagRecords, shippedRecords } = shipper.status();
    shippedBefore = shippedRecords;
    const said: ShipperReport = {
      kind: 'shipper',
      state,
      lagRecords: lagRecords.toString(),
      detail: state === 'waiting' ? lastError : null,
    };
    process.send?.(said);
  };
  const timer = setInterval(report, REPORT_MS);
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    clearInterval(timer);
    // A broker that is away shows as `waiting` only when the client's own retries are used up, some 8 s later.
    const { state, shippedRecords } = shipper.status();
    const stuck = state === 'waiting' || shippedRecords === shippedBefore;
    void shipper
      .stop(stuck ? DRAIN_MS_WHEN_STUCK : undefined)
      .then(() => reader.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', () => undefined);
  process.on('disconnect', end);
}
