import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROUTER_ERROR_CODES } from './domain/router-error.js';

const ROWS = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const CODES = ROWS.map(([code]) => code?.replaceAll('`', ''));

describe('docs/errors.md', () => {
  it('explains every error code once, and no other', () => {
    expect(CODES.toSorted()).toEqual(ROUTER_ERROR_CODES.toSorted());
  });

  it.each(ROWS)('%s has a meaning and something to do', (...cells) => {
    expect(cells.slice(1).every((cell) => cell !== '')).toBe(true);
    expect(cells.length).toBe(6);
  });
});
