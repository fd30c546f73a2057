import { performance } from 'node:perf_hooks';

/** Watches the turns of the event loop of this process. */
export interface TurnWatch {
  /** For how long the present turn has been at work, ms. */
  busyMs(): number;
  stop(): void;
}

/**
 * A turn is what the loop does between two waits, and nobody who arrives during one is seen before its end. The mean lag
 * of timers does not show it: a thousand requests may be under way in many short turns, and wait in each of them.
 *
 * The hook is an immediate that does not keep the loop from waiting, so an idle process stays idle.
 * @param onTurn told at the end of every turn for how long it was at work, ms, waits not counted.
 */
export function watchTurns(onTurn: (busyMs: number, nowMs: number) => void): TurnWatch {
  let stopped = false;
  let endedMs = performance.now();
  let idleMs = performance.nodeTiming.idleTime;
  const busyMs = (nowMs: number, idleNowMs: number): number => nowMs - endedMs - (idleNowMs - idleMs);
  const ended = (): void => {
    if (stopped) return;
    const nowMs = performance.now();
    const idleNowMs = performance.nodeTiming.idleTime;
    onTurn(busyMs(nowMs, idleNowMs), nowMs);
    endedMs = nowMs;
    idleMs = idleNowMs;
    setImmediate(ended).unref();
  };
  setImmediate(ended).unref();
  return {
    busyMs: () => busyMs(performance.now(), performance.nodeTiming.idleTime),
    stop() {
      stopped = true;
    },
  };
}
