import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { removeTimerFault } from './kafkajs-timer-fault.js';

interface Queue extends EventEmitter {
  pending: unknown[];
  throttleCheckTimeoutId: unknown;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

function openQueue(): Queue {
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
    options: object,
  ) => Queue;
  const logger = { debug: () => {} };
  return new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1000, clientId: 'c', broker: 'b', logger });
}

describe('the timer fault of kafkajs', () => {
  it('schedules nothing for an idle connection, and still looks after queued requests', () => {
    removeTimerFault();
    removeTimerFault();
    vi.useFakeTimers();
    const queue = openQueue();

    queue.checkPendingRequests();
    const idle = vi.getTimerCount();
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    const queued = vi.getTimerCount();
    queue.destroy();
    vi.useRealTimers();

    expect(idle).toBe(0);
    expect(queued).toBe(1);
  });
});
