import type { Clock } from '#events/ports/clock.js';
import type { UpstreamTransport } from '../ports/upstream-transport.js';
import type { AttemptTimers } from './attempt-timers.js';
import type { UsageDrains } from './usage-drains.js';

/** What all attempts share. */
export interface AttemptDeps {
  readonly transport: UpstreamTransport;
  readonly clock: Clock;
  readonly timers: AttemptTimers;
  readonly drains: UsageDrains;
  /** How long a client may take nothing of what is there for it. */
  readonly slowReaderMs: number;
}
