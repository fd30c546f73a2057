import { createRequire } from 'node:module';

interface RequestQueue {
  pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const PATCHED = Symbol.for('nextmodel.kafkajs.timer-fault');

/**
 * The one place that works around a fault of kafkajs 2.2.4 (and 2.3.0-beta.3; its issue 1751): after each response a
 * connection schedules a check of its queue with a negative delay, which Node runs as 1 ms, and the check schedules the
 * next one, for ever: 47 ms of CPU per second for each idle connection and a `TimeoutNegativeWarning`. With nothing
 * queued there is nothing to check: `push` schedules the check again when it queues a request.
 * Safe to call again; delete this file when kafkajs no longer needs it.
 */
export function removeTimerFault(): void {
  const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
    readonly prototype: RequestQueue & { [PATCHED]?: true };
  };
  if (Queue.prototype[PATCHED] === true) return;
  const schedule = Queue.prototype.scheduleCheckPendingRequests;
  Queue.prototype.scheduleCheckPendingRequests = function scheduleOnlyWhenQueued(this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
  Queue.prototype[PATCHED] = true;
}
