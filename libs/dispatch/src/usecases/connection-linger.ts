import type { UpstreamCallHandle } from '../ports/upstream-transport.js';
import type { AttemptTimers, Deadline } from './attempt-timers.js';

const LINGER_MS = 1_000;
const LINGER_BYTES_MAX = 64 * 1024;

/**
 * A stream has told its end, but its bytes have not ended yet. Reading on for a moment lets the connection be used
 * again; what still comes is dropped, and too much or too late closes it.
 */
export class ConnectionLinger implements Deadline {
  dueMs = 0;
  private bytes = 0;

  constructor(
    private readonly timers: AttemptTimers,
    private readonly handle: UpstreamCallHandle,
    nowMs: number,
  ) {
    timers.set(this, nowMs + LINGER_MS);
    handle.resume();
  }

  onDue(): void {
    this.handle.abort();
  }

  data(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    if (this.bytes <= LINGER_BYTES_MAX) return;
    this.ended();
    this.handle.abort();
  }

  ended(): void {
    this.timers.clear(this);
  }
}
