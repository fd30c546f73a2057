import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShedController } from './shed-controller.js';

const early = (): number => 0;
const CLOSE_LAG_MS = 500;

/** Turns of one length for so long; @returns the time after them. */
function turns(controller: ShedController, busyMs: number, forMs: number, fromMs: number): number {
  let nowMs = fromMs;
  while (nowMs < fromMs + forMs) {
    nowMs += busyMs;
    controller.turnEnded(busyMs, nowMs);
  }
  return nowMs;
}

describe('shed controller', () => {
  it('lets everyone in while turns are no longer than a queue of hundreds makes them', () => {
    const controller = new ShedController(CLOSE_LAG_MS);

    turns(controller, 40, 1_000, 0);

    expect(controller.admits(() => 100)).toBe(true);
    expect(controller.shedding).toBe(false);
  });

  it('lets a burst in, however long one turn was, when a short one comes in time', () => {
    const controller = new ShedController(CLOSE_LAG_MS);

    let nowMs = 0;
    for (let n = 0; n < 20; n += 1) {
      nowMs = turns(controller, 45, 250, nowMs);
      nowMs = turns(controller, 3, 3, nowMs);
    }

    expect(controller.admits(() => 100)).toBe(true);
  });

  it('refuses when no turn was short for three tenths of a second', () => {
    const controller = new ShedController(CLOSE_LAG_MS);

    turns(controller, 45, 300, 0);

    expect(controller.admits(early)).toBe(false);
    expect(controller.shedding).toBe(true);
  });

  it('takes newcomers after a short turn, in the first part of the next, as long as a queue stands', () => {
    const controller = new ShedController(CLOSE_LAG_MS);
    const nowMs = turns(controller, 45, 300, 0);

    controller.turnEnded(4, nowMs + 4);

    expect(controller.admits(early)).toBe(true);
    expect(controller.admits(() => 9)).toBe(false);
    controller.turnEnded(25, nowMs + 29);
    expect(controller.admits(early)).toBe(false);
  });

  it('takes long turns for a burst again when half a second has passed without a refusal', () => {
    const controller = new ShedController(CLOSE_LAG_MS);
    const nowMs = turns(controller, 45, 300, 0);

    turns(controller, 4, 600, nowMs);
    controller.turnEnded(25, nowMs + 700);

    expect(controller.admits(early)).toBe(true);
  });

  it('refuses everyone above the closing lag, and opens again by itself', () => {
    const controller = new ShedController(CLOSE_LAG_MS);

    controller.observe(501);
    expect(controller.admits(early)).toBe(false);
    controller.observe(0);

    expect(controller.admits(early)).toBe(true);
  });

  it('keeps a loop at work, and its queue short, when arrivals need half as much again as it has', () => {
    const controller = new ShedController(CLOSE_LAG_MS);
    const WORK_MS = 0.25;
    let [nowMs, queue, served, longestMs] = [0, 0, 0, 0];
    let lastTurnMs = 1;

    while (nowMs < 10_000) {
      let turnMs = 0.1;
      const arrivals = Math.round(lastTurnMs * 6);
      for (let n = 0; n < arrivals; n += 1) {
        if (controller.admits(() => turnMs)) {
          queue += 1;
          turnMs += WORK_MS / 4;
        } else turnMs += 0.04;
      }
      // A request takes several turns; in each a part of those inside moves on.
      const moved = Math.ceil(queue / 4);
      turnMs += moved * WORK_MS;
      queue -= moved;
      served += moved;
      nowMs += turnMs;
      lastTurnMs = turnMs;
      if (nowMs > 2_000) longestMs = Math.max(longestMs, turnMs);
      controller.turnEnded(turnMs, nowMs);
    }

    expect(served * WORK_MS).toBeGreaterThan(0.6 * nowMs);
    expect(longestMs).toBeLessThan(50);
  });

  it('never keeps everyone outside for ever, whatever the turns and lags were', () => {
    const time = fc.double({ min: 0, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(time, { maxLength: 100 }), fc.array(time, { maxLength: 10 }), (lengths, lags) => {
        const controller = new ShedController(CLOSE_LAG_MS);
        let nowMs = 0;
        for (const lagMs of lags) controller.observe(lagMs);
        for (const busyMs of lengths) {
          nowMs += busyMs;
          controller.turnEnded(busyMs, nowMs);
          controller.admits(early);
        }

        controller.observe(0);
        controller.turnEnded(1, nowMs + 1);

        expect(controller.admits(early)).toBe(true);
      }),
    );
  });
});
