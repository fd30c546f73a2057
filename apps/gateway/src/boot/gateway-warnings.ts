import type { Clock } from '#events/ports/clock.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { MetricsSnapshot } from '#telemetry/ports/metrics.js';
import { RareWarning } from './rare-warning.js';

/** What a gateway copes with and its operator should know: counted each time, logged once a minute. */
export interface GatewayWarnings {
  /** One look at the event loop. */
  lag(lagMs: number): void;
  readonly unreadAnswer: RareWarning;
  readonly wrongAdminCredential: RareWarning;
  counts(): NonNullable<MetricsSnapshot['warnings']>;
}

/** @param lagAlarmMs lag of the event loop that is worth a warning. */
export function createWarnings(logger: Logger, clock: Clock, lagAlarmMs: number): GatewayWarnings {
  const warning = (message: string): RareWarning => new RareWarning(logger, message, () => clock.monotonicMs());
  const lateLoop = warning('the event loop is late: requests wait for one another');
  const unreadAnswer = warning('answers were given up: their clients did not read them');
  const wrongAdminCredential = warning('the admin routes were asked with wrong credentials');
  return {
    lag(lagMs) {
      if (lagMs > lagAlarmMs) lateLoop.note({ lagMs: Math.round(lagMs) });
    },
    unreadAnswer,
    wrongAdminCredential,
    counts: () => ({
      lateLoop: lateLoop.count,
      unreadAnswers: unreadAnswer.count,
      wrongAdminCredentials: wrongAdminCredential.count,
    }),
  };
}
