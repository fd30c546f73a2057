import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.js';

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0);

describe('retryAfterMs', () => {
  it.each([
    [{ 'retry-after': '1' }, 1000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after-ms': '12.3' }, 13],
    [{ 'x-ms-retry-after-ms': '40' }, 40],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 12:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Thursday, 01-Jan-26 12:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 12:00:10 GMT' }, 0],
    [{ 'retry-after': '999999999' }, 86_400_000],
    [{ 'retry-after': ['4', '9'] }, 4000],
    [{ 'retry-after': '' }, null],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': 'tomorrow' }, null],
    [{ 'retry-after': '2026x' }, null],
    [{}, null],
  ])('reads %j as %s', (headers, expected) => {
    expect(retryAfterMs(headers, NOW_MS)).toBe(expected);
  });

  it('is null or within a day for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const wait = retryAfterMs({ 'retry-after': text }, NOW_MS);

        expect(wait === null || (Number.isInteger(wait) && wait >= 0 && wait <= 86_400_000)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
