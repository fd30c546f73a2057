import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { onEndSignals } from './end-signals.js';

describe('signals that end a process', () => {
  const before = { SIGTERM: process.listeners('SIGTERM'), SIGINT: process.listeners('SIGINT') };
  let told: string[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    told = [];
    onEndSignals(
      () => told.push('end'),
      () => told.push('hurry'),
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      for (const listener of process.listeners(signal))
        if (!before[signal].includes(listener)) process.off(signal, listener);
  });
  const signal = (name: 'SIGTERM' | 'SIGINT'): void => {
    for (const listener of process.listeners(name)) if (!before[name].includes(listener)) listener(name);
  };

  it('ask to end once, however often npm and terminals pass the same one on', () => {
    signal('SIGINT');
    vi.advanceTimersByTime(200);
    signal('SIGTERM');
    signal('SIGINT');

    expect(told).toEqual(['end']);
  });

  it('ask to hurry when they come again more than a second later', () => {
    signal('SIGTERM');
    vi.advanceTimersByTime(1_001);

    signal('SIGTERM');

    expect(told).toEqual(['end', 'hurry']);
  });
});
