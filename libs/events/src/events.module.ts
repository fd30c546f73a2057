import { SystemClock } from './adapters/system/system-clock.js';
import type { Clock } from './ports/clock.js';

/** The clock of a running process. */
export function createSystemClock(): Clock {
  return new SystemClock();
}
