import { describe, expect, it } from 'vitest';
import type { AttemptFailure } from './attempt-failure.js';
import { allows, beginCall, callFailed, callWorked, HealthBoard, probeTaken, rateLimited } from './health-board.js';
import { OWN_FAILURES } from './own-failure.js';

const refusal: AttemptFailure = { ...OWN_FAILURES.bad_response, breaker: 'eject_credential' };

describe('HealthBoard', () => {
  it('rests a refused credential for all its models', () => {
    const board = new HealthBoard();
    const [one, two] = [board.lane('p', 'one', 'p/1'), board.lane('p', 'two', 'p/1')];

    callFailed(beginCall(one, 0), refusal, 401, 0, 0);

    expect([allows(one, 0), allows(two, 0), allows(board.lane('p', 'one', 'p/2'), 0)]).toEqual([false, false, true]);
    expect([allows(two, 60_000), rateLimited(two, 0)]).toEqual([true, false]);
  });

  it('rests only the model that a 403 was about', () => {
    const board = new HealthBoard();

    callFailed(beginCall(board.lane('p', 'one', 'p/1'), 0), refusal, 403, 0, 0);

    expect(allows(board.lane('p', 'one', 'p/1'), 0)).toBe(false);
    expect(allows(board.lane('p', 'two', 'p/1'), 0)).toBe(true);
  });

  it('takes a credential back when a probe shows that it works', () => {
    const board = new HealthBoard();
    const lane = board.lane('p', 'one', 'p/1');
    callFailed(beginCall(lane, 0), refusal, 401, 0, 0);

    const probe = beginCall(lane, 10);
    expect(probeTaken(lane)).toBe(true);
    callWorked(probe, 20);

    expect([allows(lane, 20), probeTaken(lane)]).toEqual([true, false]);
  });

  it('keeps failures of one model from another', () => {
    const board = new HealthBoard();
    const lane = board.lane('p', 'one', 'p/1');
    for (let i = 0; i < 5; i += 1) callFailed(beginCall(lane, 0), OWN_FAILURES.connect, 0, 0, 0);

    expect([allows(lane, 0), allows(board.lane('p', 'two', 'p/1'), 0)]).toEqual([false, true]);
    expect(board.states(0)).toMatchObject([
      { target: 'p/one p/1', state: 'open', openForMs: 4_000 },
      { target: 'p/two p/1', state: 'closed', openForMs: 0 },
    ]);
  });

  it('holds no more names than that when all of them are broken', () => {
    const board = new HealthBoard();

    for (let i = 0; i < 2_500; i += 1) {
      const lane = board.lane('p', `made-up-${i}`, 'p/1');
      for (let call = 0; call < 5; call += 1) callFailed(beginCall(lane, 0), OWN_FAILURES.connect, 0, 0, 0);
    }

    expect(board.states(0).length).toBe(2_000);
    expect(board.states(0).at(-1)?.target).toBe('p/made-up-2499 p/1');
  });

  it('forgets names that clients made up, but not what is broken', () => {
    const board = new HealthBoard();
    const broken = board.lane('p', 'broken', 'p/1');
    for (let i = 0; i < 5; i += 1) callFailed(beginCall(broken, 0), OWN_FAILURES.connect, 0, 0, 0);

    for (let i = 0; i < 5_000; i += 1) board.lane('p', `made-up-${i}`, 'p/1');

    expect(board.states(0).length).toBe(2_000);
    expect(board.lane('p', 'broken', 'p/1')).toBe(broken);
  });
});
