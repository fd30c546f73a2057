import { EventEmitter } from 'node:events';
import type { Consumer } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchLifeSigns } from './kafka-life-signs.js';
import { describeKafkaError } from './kafka-settings.js';

/** What kafkajs tells of a consumer. */
function toldConsumer() {
  const told = new EventEmitter();
  const consumer = {
    events: { FETCH: 'fetch', HEARTBEAT: 'heartbeat', GROUP_JOIN: 'join' },
    on: (name: string, listener: () => void) => {
      told.on(name, listener);
      return () => told.off(name, listener);
    },
  } as unknown as Pick<Consumer, 'on' | 'events'>;
  return { consumer, told };
}

describe('the life signs of a consumer', () => {
  let reports: string[];
  const report = (error?: unknown): void => void reports.push(error === undefined ? 'up' : describeKafkaError(error));

  beforeEach(() => {
    reports = [];
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  it('are missed once when nothing succeeds for too long, and noticed when they are back', () => {
    const { consumer, told } = toldConsumer();
    const stop = watchLifeSigns(consumer, 10_000, report);

    vi.advanceTimersByTime(9_000);
    expect(reports).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(reports).toEqual(['KafkaSilence']);
    told.emit('fetch');
    told.emit('fetch');

    expect(reports).toEqual(['KafkaSilence', 'up']);
    stop();
  });

  it.each(['fetch', 'heartbeat', 'join'])('are each %s that was answered', (sign) => {
    const { consumer, told } = toldConsumer();
    const stop = watchLifeSigns(consumer, 10_000, report);

    for (let second = 0; second < 60; second += 5) {
      vi.advanceTimersByTime(5_000);
      told.emit(sign);
    }

    expect(reports).toEqual([]);
    stop();
  });

  it('are not watched any more after the end', () => {
    const { consumer, told } = toldConsumer();

    watchLifeSigns(consumer, 10_000, report)();
    vi.advanceTimersByTime(60_000);

    expect(reports).toEqual([]);
    expect(told.eventNames()).toEqual([]);
  });
});
