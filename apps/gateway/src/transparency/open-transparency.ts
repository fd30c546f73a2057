import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from '#config/config.module.js';
import { deriveSigner, openSigner } from '#transparency/transparency.module.js';
import { checkWitnessSettings } from '#transparency/witness.module.js';
import type { Clock } from '#events/ports/clock.js';
import type { ReceiptStore } from '#receipts/ports/receipt-store.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { MetricsSnapshot } from '#telemetry/ports/metrics.js';
import type { BootOrder } from '../boot/boot-order.js';
import type { GatewayLog } from '../boot/open-log.js';
import type { OnReplayProgress, ReplayOutcome } from '../http/gateway-parts.js';
import type { DependencyState } from '../readiness.js';
import { checkpointPublisher } from './publish-checkpoint.js';
import { replayTransparency } from './replay-transparency.js';
import { SequencerChild } from './sequencer-child.js';
import { TransparencyDesk } from './transparency-desk.js';
import { SEQUENCER_LOCK, transparencyPaths } from './transparency-paths.js';

/** The gateway's side of the transparency logs. */
export interface GatewayTransparency {
  readonly desk: TransparencyDesk;
  /** For `/readyz`; `null` where this process runs no sequencer. */
  readonly probe: (() => DependencyState) | null;
  /** For `/metrics`; `undefined` where this process runs no sequencer. */
  readonly snapshot: () => MetricsSnapshot['transparency'];
  readonly replay: (onProgress: OnReplayProgress) => Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/**
 * Opens the desk and starts a sequencer process: on segment files in the one process that does it for a data directory
 * (partition 0), with Kafka in every gateway that knows the common folder. Whoever holds the folder's lock works, the
 * others wait for it.
 */
export async function openTransparency(
  order: BootOrder,
  log: GatewayLog,
  store: Pick<ReceiptStore, 'findPlace'> | null,
  clock: Clock,
  logger: Logger,
): Promise<GatewayTransparency> {
  const { environment, transparency } = order.settings;
  const { directory, keyFile } = transparencyPaths(environment);
  checkWitnessSettings(transparency.witnesses);
  const shared = log.sharedReader !== log.localReader;
  const signer = shared ? deriveSigner(order.masterKey) : await openSigner(keyFile);
  const exists = !shared || environment.transparencyDir !== null;
  const desk = new TransparencyDesk({
    reader: log.sharedReader,
    directory,
    signer,
    exists,
    ...(store === null ? {} : { findPlace: (tenantId, receiptId) => store.findPlace(tenantId, receiptId) }),
  });
  const onFailure = (error: unknown): void => logger.warn({ err: error }, 'a checkpoint was not appended to the log');
  const sequences = environment.sequencer === 'on' && order.partition === 0 && exists;
  const child = sequences
    ? new SequencerChild(
        {
          kind: 'sequence',
          source: shared
            ? {
                kind: 'kafka',
                brokers: environment.kafkaBrokers,
                clientId: `nextmodel-sequencer-${order.instance}`,
              }
            : { kind: 'segments', logDirectory: order.logDirectory },
          key: shared ? { kind: 'derived', masterKey: order.masterKey } : { kind: 'file', keyFile },
          directory,
          webhooks: transparency.webhooks,
          witnesses: transparency.witnesses,
          witnessEveryMs: transparency.witnessEveryMs,
          exportDirectory: transparency.exportCheckpoints ? join(directory, 'checkpoints') : null,
        },
        checkpointPublisher(log.writer, clock, onFailure),
        logger,
      )
    : null;
  child?.start();
  return {
    desk,
    probe: child === null ? null : () => probeOf(child),
    snapshot: () => (child === null ? undefined : snapshotOf(child, clock)),
    replay: async (onProgress) => {
      await child?.stop();
      try {
        await mkdir(directory, { recursive: true });
        // Another gateway's sequencer may be the one at work.
        const lock = await lockDirectory(join(directory, SEQUENCER_LOCK));
        try {
          return await replayTransparency({ reader: log.sharedReader, directory, keyFile, signer, onProgress });
        } finally {
          await lock.release();
        }
      } finally {
        child?.start(0);
      }
    },
    close: async () => child?.stop(),
  };
}

function snapshotOf(child: SequencerChild, clock: Clock): MetricsSnapshot['transparency'] {
  const { logs, ...rest } = child.progress;
  const nowMs = clock.nowMs();
  return {
    ...rest,
    logs: logs.map(({ partition, size, signedAtMs, uncovered }) => ({
      log: `receipts/${partition}`,
      size,
      checkpointAgeMs: Math.max(0, nowMs - signedAtMs),
      uncovered,
    })),
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
