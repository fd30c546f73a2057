import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShedController } from './shed-controller.js';

const admitted = (controller: ShedController, arrivals: number): number => {
  let count = 0;
  for (let n = 0; n < arrivals; n += 1) if (controller.admits()) count += 1;
  return count;
};

describe('shed controller', () => {
  it('lets everyone in while the event loop is on time', () => {
    const controller = new ShedController(500);

    for (let n = 0; n < 10; n += 1) controller.observe(50);

    expect(admitted(controller, 1_000)).toBe(1_000);
  });

  it('refuses a part of the arrivals, evenly, long before it closes', () => {
    const controller = new ShedController(500);

    controller.observe(80);
    controller.observe(80);
    const burst = controller.share;
    controller.observe(80);

    const { share } = controller;
    expect(burst).toBe(1);
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(1);
    expect(Math.abs(admitted(controller, 1_000) - share * 1_000)).toBeLessThanOrEqual(1);
  });

  it('refuses everyone above the closing lag, and opens again by itself', () => {
    const controller = new ShedController(500);

    controller.observe(501);
    expect(admitted(controller, 100)).toBe(0);
    for (let n = 0; n < 40; n += 1) controller.observe(0);

    expect(admitted(controller, 100)).toBe(100);
  });

  it('settles near the capacity of a loop whose lag grows with what it admits too much', () => {
    const controller = new ShedController(500);
    let backlogMs = 0;
    let served = 0;

    // Arrivals need 150 ms of work in each 100 ms.
    for (let tick = 0; tick < 300; tick += 1) {
      const workMs = admitted(controller, 150);
      if (tick >= 100) served += Math.min(100, backlogMs + workMs);
      backlogMs = Math.max(0, backlogMs + workMs - 100);
      controller.observe(backlogMs);
    }

    expect(served / 200).toBeGreaterThanOrEqual(80);
  });

  it('never lets everyone wait outside for ever, whatever the lags were', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { maxLength: 100 }), (lags) => {
        const controller = new ShedController(500);
        for (const lagMs of lags) controller.observe(lagMs);
        controller.observe(0);
        expect(admitted(controller, 100)).toBeGreaterThanOrEqual(5);
      }),
    );
  });
});
