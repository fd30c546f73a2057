import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.js';

const MIDDLE = 0.5;

function failing(times: number, nowMs = 0): Breaker {
  const breaker = new Breaker();
  for (let i = 0; i < times; i += 1) breaker.failure(nowMs, breaker.begin(nowMs), MIDDLE);
  return breaker;
}

function waitWith(random: number): number {
  const breaker = new Breaker();
  for (let i = 0; i < 5; i += 1) breaker.failure(0, false, random);
  return breaker.blockedForMs(0);
}

describe('Breaker', () => {
  it('opens at the fifth failure in a row, for five seconds', () => {
    expect(failing(4).allows(0)).toBe(true);

    const breaker = failing(5);

    expect(breaker.allows(0)).toBe(false);
    expect(breaker.blockedForMs(0)).toBe(5_000);
    expect(breaker.allows(4_999)).toBe(false);
    expect(breaker.allows(5_000)).toBe(true);
  });

  it('starts to count anew after a success', () => {
    const breaker = failing(4);
    breaker.success(0, false);

    breaker.failure(0, false, MIDDLE);

    expect(breaker.allows(0)).toBe(true);
  });

  it('opens when more than half of at least twenty calls failed', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 9; i += 1) breaker.success(0, false);
    for (let i = 0; i < 4; i += 1) breaker.failure(0, false, MIDDLE);
    breaker.success(0, false);
    for (let i = 0; i < 4; i += 1) breaker.failure(0, false, MIDDLE);
    breaker.success(0, false);
    for (let i = 0; i < 3; i += 1) breaker.failure(0, false, MIDDLE);
    expect(breaker.allows(0)).toBe(true);

    breaker.failure(0, false, MIDDLE);

    expect(breaker.allows(0)).toBe(false);
  });

  it('forgets failures after a minute', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 15; i += 1) {
      breaker.failure(0, false, MIDDLE);
      breaker.success(0, false);
    }
    for (let i = 0; i < 10; i += 1) breaker.success(61_000, false);

    for (let i = 0; i < 4; i += 1) breaker.failure(61_000, false, MIDDLE);

    expect(breaker.allows(61_000)).toBe(true);
  });

  it('lets one probe through and closes when it works', () => {
    const breaker = failing(5);

    const probe = breaker.begin(5_000);

    expect([probe, breaker.allows(5_000), breaker.stateAt(5_000)]).toEqual([true, false, 'half_open']);
    breaker.success(5_000, probe);
    expect([breaker.allows(5_000), breaker.stateAt(5_000)]).toEqual([true, 'closed']);
  });

  it('doubles the wait with each failed probe, up to a minute', () => {
    const breaker = failing(5);
    const waits: number[] = [];
    let nowMs = 0;
    for (let i = 0; i < 6; i += 1) {
      nowMs += breaker.blockedForMs(nowMs);
      breaker.failure(nowMs, breaker.begin(nowMs), MIDDLE);
      waits.push(breaker.blockedForMs(nowMs));
    }

    expect(waits).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  });

  it('spreads the wait by a fifth to both sides', () => {
    expect([waitWith(0), waitWith(1)].map(Math.round)).toEqual([4_000, 6_000]);
  });

  it('takes the probe back when its client left, and gives it to the next', () => {
    const breaker = failing(5);
    breaker.release(breaker.begin(5_000));

    expect(breaker.allows(5_000)).toBe(true);
    expect(breaker.begin(5_000)).toBe(true);
  });

  it('is not lengthened by a probe forced before its time, nor by stragglers', () => {
    const breaker = failing(5);

    breaker.failure(1_000, breaker.begin(1_000), MIDDLE);
    breaker.failure(1_000, false, MIDDLE);

    expect(breaker.blockedForMs(1_000)).toBe(4_000);
  });

  it('is not closed by a straggler that worked', () => {
    const breaker = failing(5);

    breaker.success(1_000, false);

    expect(breaker.allows(1_000)).toBe(false);
  });

  it('waits out a rate limit without opening, a minute at most', () => {
    const breaker = new Breaker();
    breaker.wait(0, false, 3_600_000, 'told_rate_limit');

    expect([breaker.allows(59_999), breaker.rateLimited(0), breaker.stateAt(0)]).toEqual([false, true, 'closed']);
    expect(breaker.allows(60_000)).toBe(true);
  });
});
