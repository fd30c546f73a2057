import type { Section } from './section.js';
import type { TimeoutSettings } from './settings.js';

const FIELD_OF = {
  connectTimeoutMs: 'connect_timeout_ms',
  headersTimeoutMs: 'headers_timeout_ms',
  firstTokenTimeoutMs: 'first_token_timeout_ms',
  idleTimeoutMs: 'idle_timeout_ms',
  totalTimeoutMs: 'total_timeout_ms',
} as const satisfies Record<keyof TimeoutSettings, string>;

export const TIMEOUT_FIELDS = Object.values(FIELD_OF);
const HOUR_MS = 3_600_000;

/** Those timeouts of `reliability`, or of one model, that the file names. */
export function parseTimeouts(section: Section): Partial<TimeoutSettings> {
  const named: Partial<Record<keyof TimeoutSettings, number>> = {};
  for (const [name, field] of Object.entries(FIELD_OF) as [keyof TimeoutSettings, string][]) {
    if (section.has(field)) named[name] = section.number(field, HOUR_MS, { min: 1, max: HOUR_MS, integer: true });
  }
  return named;
}
