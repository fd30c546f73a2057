import { expect, it } from 'vitest';
import type { Logger } from '#telemetry/ports/logger.js';
import { RareWarning } from './rare-warning.js';

it('counts every time and speaks once a minute, saying how often it was', () => {
  const lines: object[] = [];
  const logger = { warn: (fields: object) => lines.push(fields) } as unknown as Logger;
  let nowMs = 5;
  const warning = new RareWarning(logger, 'late', () => nowMs);

  for (const at of [5, 6, 60_004, 60_005, 60_006, 200_000]) {
    nowMs = at;
    warning.note({ at });
  }

  expect(warning.count).toBe(6);
  expect(lines).toEqual([
    { at: 5, times: 1 },
    { at: 60_005, times: 3 },
    { at: 200_000, times: 2 },
  ]);
});
