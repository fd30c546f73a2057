import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { watchTurns, type TurnWatch } from './turn-watch.js';

function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe('turn watch', () => {
  const watches: TurnWatch[] = [];
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.stop();
  });

  const watching = (): { readonly seen: number[]; readonly watch: TurnWatch } => {
    const seen: number[] = [];
    const watch = watchTurns((busyMs) => seen.push(busyMs));
    watches.push(watch);
    return { seen, watch };
  };
  it('tells how long a turn was at work, and not how long the loop waited', async () => {
    const { seen } = watching();

    await sleep(1_000);
    work(60);
    await sleep(50);

    expect(Math.max(...seen)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...seen)).toBeLessThan(1_000);
  });

  it('tells inside a turn for how long it has been at work', async () => {
    const { watch } = watching();
    await sleep(20);

    work(40);

    expect(watch.busyMs()).toBeGreaterThanOrEqual(40);
  });

  it('does not keep an idle loop turning', async () => {
    const { seen } = watching();
    await sleep(20);
    seen.length = 0;

    await sleep(300);

    expect(seen.length).toBeLessThan(100);
  });

  it('tells nothing after the stop', async () => {
    const { seen, watch } = watching();
    await sleep(10);

    watch.stop();
    seen.length = 0;
    await sleep(20);

    expect(seen).toEqual([]);
  });
});
