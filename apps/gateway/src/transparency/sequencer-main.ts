import { openSegmentReader } from '#event-log/event-log.module.js';
import { startSequencer } from '#transparency/transparency.module.js';
import type { SequencerOrder, SequencerReport } from './sequencer-child.js';

const REPORT_MS = 1_000;

/** The sequencer process of one data directory: until its parent says stop or is gone. */
process.once('message', (message) => {
  void sequence(message as SequencerOrder);
});

function say(report: SequencerReport): void {
  if (process.connected) process.send?.(report);
}

async function sequence(order: SequencerOrder): Promise<void> {
  const reader = openSegmentReader({ directory: order.logDirectory });
  const running = await startSequencer({
    reader,
    directory: order.directory,
    keyFile: order.keyFile,
    onCheckpoint: ({ origin, size, note }) => say({ kind: 'checkpoint', origin, size, note }),
    onRefused: (partition, reason) => say({ kind: 'refused', partition, reason }),
    onError: (error, partition) =>
      say({ kind: 'fault', partition, detail: error instanceof Error ? error.message : 'unknown' }),
  });
  const timer = setInterval(() => say({ kind: 'lag', leaves: running.lag() }), REPORT_MS);
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    clearInterval(timer);
    void running
      .stop()
      .then(() => reader.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', () => undefined);
  process.on('disconnect', end);
}
