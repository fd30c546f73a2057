import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { realClock } from '../__fixtures__/real-clock.js';
import { AttemptTimers, type Deadline } from './attempt-timers.js';

let told: string[] = [];
const deadline = (name: string): Deadline => ({ dueMs: 0, onDue: () => void told.push(name) });

describe('AttemptTimers', () => {
  beforeEach(() => {
    told = [];
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells each deadline once, in their order', () => {
    const timers = new AttemptTimers(realClock);
    const startMs = realClock.monotonicMs();
    timers.set(deadline('late'), startMs + 500);
    timers.set(deadline('soon'), startMs + 50);

    vi.advanceTimersByTime(60);
    expect(told).toEqual(['soon']);
    vi.advanceTimersByTime(2_000);
    expect(told).toEqual(['soon', 'late']);
  });

  it('follows a deadline that its owner moved later, and one that was set earlier', () => {
    const timers = new AttemptTimers(realClock);
    const startMs = realClock.monotonicMs();
    const [moved, early] = [deadline('moved'), deadline('early')];
    timers.set(moved, startMs + 100);
    moved.dueMs = startMs + 300;
    timers.set(early, startMs + 900);
    timers.set(early, startMs + 200);

    vi.advanceTimersByTime(250);
    expect(told).toEqual(['early']);
    vi.advanceTimersByTime(100);
    expect(told).toEqual(['early', 'moved']);
  });

  it('forgets what is cleared and needs one system timer for all', () => {
    const timers = new AttemptTimers(realClock);
    const all = Array.from({ length: 1_000 }, (_, i) => deadline(`d${i}`));
    for (const each of all) timers.set(each, realClock.monotonicMs() + 30_000);
    expect(vi.getTimerCount()).toBe(1);

    for (const each of all) timers.clear(each);
    vi.advanceTimersByTime(60_000);

    expect([told, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
