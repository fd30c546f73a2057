import { openSigner } from '#transparency/transparency.module.js';
import type { Clock } from '#events/ports/clock.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { BootOrder } from '../boot/boot-order.js';
import type { GatewayLog } from '../boot/open-log.js';
import type { OnReplayProgress, ReplayOutcome } from '../http/gateway-parts.js';
import type { DependencyState } from '../readiness.js';
import { checkpointPublisher } from './publish-checkpoint.js';
import { replayTransparency } from './replay-transparency.js';
import { SequencerChild } from './sequencer-child.js';
import { TransparencyDesk } from './transparency-desk.js';
import { transparencyPaths } from './transparency-paths.js';

/** The gateway's side of the transparency logs. */
export interface GatewayTransparency {
  readonly desk: TransparencyDesk;
  /** For `/readyz`; `null` where this process runs no sequencer. */
  readonly probe: (() => DependencyState) | null;
  readonly replay: (onProgress: OnReplayProgress) => Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/**
 * Opens the desk and, in the one process that does it for a data directory (partition 0, on segment files), starts the
 * sequencer over all its partitions. With Kafka the log of record is Kafka's, which one gateway cannot speak for.
 */
export async function openTransparency(
  order: BootOrder,
  log: GatewayLog,
  clock: Clock,
  logger: Logger,
): Promise<GatewayTransparency> {
  const paths = transparencyPaths(order.settings.environment.dataDir);
  const signer = await openSigner(paths.keyFile);
  const desk = new TransparencyDesk({ reader: log.sharedReader, directory: paths.directory, signer });
  const sequences = order.partition === 0 && log.sharedReader === log.localReader;
  const onFailure = (error: unknown): void => logger.warn({ err: error }, 'a checkpoint was not appended to the log');
  const child = sequences
    ? new SequencerChild(
        { kind: 'sequence', logDirectory: order.logDirectory, ...paths },
        checkpointPublisher(log.writer, clock, onFailure),
        logger,
      )
    : null;
  child?.start();
  return {
    desk,
    probe: child === null ? null : () => probeOf(child),
    replay: async (onProgress) => {
      await child?.stop();
      try {
        return await replayTransparency({ reader: log.sharedReader, ...paths, onProgress });
      } finally {
        child?.start(0);
      }
    },
    close: async () => child?.stop(),
  };
}

function probeOf(child: SequencerChild): DependencyState {
  const { refused, lag } = child;
  return {
    name: 'transparency',
    state: refused === null ? 'ok' : 'degraded',
    required: false,
    detail: refused ?? (lag === 0 ? null : `${lag} receipts wait for a checkpoint`),
  };
}
