import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiptRollups } from '#receipts/ports/receipt-rollups.js';
import { checkRollups } from '#receipts/usecases/check-rollups.js';
import type { RollupKeeper } from '#receipts/usecases/rollup-keeper.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { IngesterMetrics } from './ingester-metrics.js';

export interface KeepRollupsInit {
  readonly rollups: ReceiptRollups;
  readonly keeper: RollupKeeper;
  /** `hh:mm` UTC; `null` = no nightly check. */
  readonly checkAt: string | null;
  readonly metrics: IngesterMetrics;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Default a minute. A turn that takes long is followed by a wait of ten times as long. */
  readonly turnMs?: number;
}

const REST = 10;

/** Keeps the rollups right until the signal aborts: changed days each minute, all days each night. Never rejects. */
export async function keepRollups(init: KeepRollupsInit): Promise<void> {
  const { rollups, keeper, metrics, logger, signal, turnMs = 60_000 } = init;
  let nextCheckMs = nextTime(init.checkAt, Date.now());
  let looked = false;
  let waitMs = turnMs;
  while (!signal.aborted) {
    await sleep(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const began = performance.now();
    try {
      if (!looked) {
        // a process that died had days to do
        for (const day of await rollups.suspectDays()) keeper.markDay(day);
        looked = true;
      }
      metrics.daysChanged.value += (await keeper.turn(rollups)).length;
      if (Date.now() >= nextCheckMs) {
        nextCheckMs = nextTime(init.checkAt, Date.now());
        await nightlyCheck(init);
      }
    } catch (error) {
      logger.warn({ err: error }, 'the rollups could not be brought up to date; they will be');
    }
    waitMs = Math.max(turnMs, REST * (performance.now() - began));
  }
}

async function nightlyCheck({ rollups, metrics, logger, signal }: KeepRollupsInit): Promise<void> {
  const began = performance.now();
  const { days, drifts } = await checkRollups(rollups, true, (day, found) => {
    if (found.length > 0) {
      metrics.daysRepaired.value += 1;
      const shown = found.map(({ rollup, requests, requestsRight }) => `${rollup} ${requests}/${requestsRight}`);
      logger.error({ day, found: shown }, 'rollups differed from the receipts and were made again');
    }
    return !signal.aborted;
  });
  metrics.checkedAt.value = Math.floor(Date.now() / 1_000);
  logger.info({ days, drifts: drifts.length, tookMs: Math.round(performance.now() - began) }, 'rollups are checked');
}

/** The next `hh:mm` UTC after `nowMs`. */
export function nextTime(at: string | null, nowMs: number): number {
  if (at === null) return Number.POSITIVE_INFINITY;
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  const day = Math.floor(nowMs / 86_400_000) * 86_400_000;
  const time = day + (hours * 60 + minutes) * 60_000;
  return time > nowMs ? time : time + 86_400_000;
}
