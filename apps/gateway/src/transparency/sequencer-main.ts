import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, setPriority } from 'node:os';
import { lockDirectory, type DirectoryLock } from '#config/config.module.js';
import { openSegmentReader } from '#event-log/event-log.module.js';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { RouterError } from '#events/domain/router-error.js';
import {
  createCheckpointWebhook,
  deriveSigner,
  openCheckpointExport,
  openSigner,
  startSequencer,
} from '#transparency/transparency.module.js';
import { openWitnessing } from '#transparency/witness.module.js';
import { CheckpointDelivery } from '#transparency/usecases/deliver-checkpoints.js';
import type { SequencerOrder, SequencerReport } from './sequencer-child.js';
import { SEQUENCER_LOCK } from './transparency-paths.js';

const REPORT_MS = 1_000;
const STANDBY_MS = 1_000;
const INBOX_MS = 2_000;
/** One that is away must not keep the others from newer checkpoints for long. */
const WITNESS_RETRY = { retryMsMin: 2_000, retryMsMax: 60_000 };

/** The sequencer process of one gateway: until its parent says stop or is gone. */
process.once('message', (message) => {
  sequence(message as SequencerOrder).catch((error: unknown) => {
    say({ kind: 'fault', partition: -1, detail: error instanceof Error ? error.message : 'unknown' });
    process.exitCode = 1;
    process.disconnect();
  });
});

function say(report: SequencerReport): void {
  if (process.connected) process.send?.(report);
}

async function sequence(order: SequencerOrder): Promise<void> {
  // Requests go first; a checkpoint that is late by a second harms nobody.
  setPriority(constants.priority.PRIORITY_LOW);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.on('SIGTERM', stop);
  process.on('SIGINT', () => undefined);
  process.on('disconnect', stop);
  const lock = await lockInTurn(order.directory, stopping.signal);
  if (lock !== null) await lead(order, stopping.signal);
  await lock?.release();
  process.exit(0);
}

/** Only one sequencer of a folder works; the kernel passes the lock on when its holder dies. `null` = stopped before. */
async function lockInTurn(directory: string, signal: AbortSignal): Promise<DirectoryLock | null> {
  await mkdir(directory, { recursive: true });
  for (let told = false; !signal.aborted;) {
    try {
      return await lockDirectory(join(directory, SEQUENCER_LOCK));
    } catch (error) {
      if (!(error instanceof RouterError) || error.code !== 'data_directory_owned') throw error;
    }
    if (!told) say({ kind: 'standby' });
    told = true;
    await new Promise((resolve) => setTimeout(resolve, STANDBY_MS));
  }
  return null;
}

async function openSource({
  source,
}: SequencerOrder): Promise<Pick<EventLogReader, 'close'> & { reader: EventLogReader }> {
  if (source.kind === 'kafka') return openKafkaLog(source);
  const reader = openSegmentReader({ directory: source.logDirectory });
  return { reader, close: () => reader.close() };
}

function failed(receiver: string, error: unknown): void {
  say({ kind: 'delivery', receiver, detail: error instanceof Error ? error.message : 'unknown' });
}

async function lead(order: SequencerOrder, signal: AbortSignal): Promise<void> {
  const source = await openSource(order);
  const signer = order.key.kind === 'file' ? await openSigner(order.key.keyFile) : deriveSigner(order.key.masterKey);
  const deliveries = order.webhooks.map(
    (webhook) => new CheckpointDelivery(createCheckpointWebhook(webhook), webhook, failed),
  );
  const witnessing =
    order.witnesses.length === 0
      ? null
      : openWitnessing(order.directory, signer, order.witnesses, (error) => failed('cosignatures', error));
  if (witnessing !== null && witnessing.receiver !== null) {
    deliveries.push(
      new CheckpointDelivery(witnessing.receiver, { everyMs: order.witnessEveryMs, ...WITNESS_RETRY }, failed),
    );
  }
  let looking: Promise<void> | null = null;
  const look = (): void => {
    looking ??= (witnessing?.look() ?? Promise.resolve()).finally(() => (looking = null));
  };
  const inboxTimer = witnessing === null ? null : setInterval(look, INBOX_MS);
  const kept =
    order.exportDirectory === null
      ? null
      : openCheckpointExport(order.exportDirectory, (error) => failed('export', error));
  const running = startSequencer({
    reader: source.reader,
    directory: order.directory,
    signer,
    rereadsLast: order.source.kind === 'kafka',
    onCheckpoint: (checkpoint) => {
      const { origin, size, note, partition } = checkpoint;
      say({ kind: 'checkpoint', origin, size, note });
      kept?.add(partition, note);
      for (const delivery of deliveries) delivery.offer(checkpoint);
    },
    onRefused: (partition, reason) => say({ kind: 'refused', partition, reason }),
    onAgreed: (partition) => say({ kind: 'agreed', partition }),
    onError: (error, partition) =>
      say({ kind: 'fault', partition, detail: error instanceof Error ? error.message : 'unknown' }),
  });
  let last = '';
  const report = (): void => {
    const failures = deliveries.reduce((sum, { counts }) => sum + counts.failures, 0);
    const said: SequencerReport = { kind: 'progress', logs: running.progress(), webhookFailures: failures };
    const text = JSON.stringify(said);
    if (text !== last) say(said);
    last = text;
  };
  report();
  const timer = setInterval(report, REPORT_MS);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
  if (inboxTimer !== null) clearInterval(inboxTimer);
  await looking;
  await running.stop();
  await Promise.all(deliveries.map((delivery) => delivery.stop()));
  await kept?.idle();
  await source.close();
}
