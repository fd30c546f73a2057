/** npm, terminals and supervisors pass one wish on twice; what comes later than this is a second wish. */
const SAME_WISH_MS = 1_000;

/**
 * Listens for SIGTERM and SIGINT: the first asks to end, one that comes more than a second later asks to hurry. For the
 * whole life of a process: nothing else ends it on these signals from here on.
 */
export function onEndSignals(end: () => void, hurry: () => void): void {
  let firstMs: number | null = null;
  const take = (): void => {
    const nowMs = performance.now();
    if (firstMs === null) {
      firstMs = nowMs;
      end();
    } else if (nowMs - firstMs > SAME_WISH_MS) hurry();
  };
  process.on('SIGTERM', take);
  process.on('SIGINT', take);
}
