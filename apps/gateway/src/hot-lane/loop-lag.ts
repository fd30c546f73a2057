import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const LOOK_EVERY_MS = 100;
const NS_PER_MS = 1_000_000;

/** How late the event loop of this process is. */
export interface LoopLag {
  /** Milliseconds, as a mean of the last tenth of a second. */
  readonly lagMs: number;
  stop(): void;
}

/** @param onLook told the lag at every look, ten times a second. */
export function measureLoopLag(onLook: (lagMs: number) => void): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let lagMs = 0;
  const timer = setInterval(() => {
    const meanMs = histogram.mean / NS_PER_MS;
    lagMs = Number.isNaN(meanMs) ? 0 : Math.max(0, meanMs - RESOLUTION_MS);
    histogram.reset();
    onLook(lagMs);
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    get lagMs() {
      return lagMs;
    },
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
