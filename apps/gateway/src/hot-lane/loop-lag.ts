import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const LOOK_EVERY_MS = 100;
const NS_PER_MS = 1_000_000;

/** Looks at how late the event loop of this process is, until it is stopped. */
export interface LoopLag {
  stop(): void;
}

/** @param onLook told the lag in milliseconds, a mean of the last tenth of a second, at every look. */
export function measureLoopLag(onLook: (lagMs: number) => void): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const timer = setInterval(() => {
    const meanMs = histogram.mean / NS_PER_MS;
    const lagMs = Number.isNaN(meanMs) ? 0 : Math.max(0, meanMs - RESOLUTION_MS);
    histogram.reset();
    onLook(lagMs);
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
