import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { tailTopic } from './tail-topic.js';

describe('the tail of a topic', () => {
  afterEach(() => void vi.useRealTimers());

  it('leaves nothing behind for each time that the log was away', async () => {
    vi.useFakeTimers();
    let stopSignal: AbortSignal | undefined;
    let reads = 0;
    const away: EventLogReader = {
      partitions: () => Promise.resolve([0]),
      bounds: () => Promise.reject(new Error('away')),
      read: (_from, _limits, signal) => {
        reads += 1;
        stopSignal = signal;
        return Promise.reject(new Error('away'));
      },
      close: () => Promise.resolve(),
    };
    const starting = tailTopic(
      away,
      'topic',
      () => undefined,
      () => undefined,
      1,
    );
    await vi.advanceTimersByTimeAsync(20_000);
    const tail = await starting;

    const listeners = getEventListeners(stopSignal as AbortSignal, 'abort').length;

    expect(reads).toBeGreaterThan(10);
    expect(listeners).toBe(1);
    await tail.stop();
  });
});
