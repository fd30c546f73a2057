import type { UpstreamRefusal } from './failure-class.js';

/** No wait longer than a day is believed. */
const WAIT_MS_MAX = 24 * 60 * 60 * 1000;

type Headers = UpstreamRefusal['headers'];

/** First value of a header with a lower-case name; `null` when it is not there. */
export function headerOf(headers: Headers, name: string): string | null {
  const value = headers[name];
  const first = typeof value === 'string' ? value : value?.[0];
  return first === undefined || first.trim() === '' ? null : first.trim();
}

/**
 * What a provider asked to wait, in milliseconds: `retry-after-ms` (and Azure's name for it) before `retry-after`,
 * which holds seconds, fractions allowed, or an HTTP date.
 * @returns `null` when nothing readable is there; 0 for a date that has passed.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const ms = plainNumber(headerOf(headers, name));
    if (ms !== null) return bounded(ms);
  }
  const text = headerOf(headers, 'retry-after');
  const seconds = plainNumber(text);
  if (seconds !== null) return bounded(seconds * 1000);
  // Only the form that RFC 9110 calls an HTTP date: the engine's own parser takes far too much.
  if (text === null || !/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : bounded(at - nowMs);
}

function plainNumber(text: string | null): number | null {
  return text !== null && /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : null;
}

const bounded = (ms: number): number => Math.min(WAIT_MS_MAX, Math.max(0, Math.ceil(ms)));
