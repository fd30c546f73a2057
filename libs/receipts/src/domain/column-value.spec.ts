import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ColumnError,
  countCell,
  dayCell,
  hexCell,
  moneyCell,
  nanoCell,
  textCell,
  timeCell,
  uuidCell,
} from './column-value.js';

describe('values of columns', () => {
  it('carry every amount below a million exactly, both ways', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), (pico) => {
        expect(moneyCell('cost', pico.toString())).toBe(pico);
      }),
    );
  });

  it.each(['1000000000000000000', '-1000000000000000000', '1.5', '', 'NaN', '1e3'])('refuse the amount %j', (text) => {
    expect(() => moneyCell('cost', text)).toThrow(ColumnError);
  });

  it('never throw anything but their own error, whatever an event holds', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const cell of [dayCell, moneyCell, nanoCell, textCell, timeCell, uuidCell]) {
          try {
            cell('column', value);
          } catch (error) {
            expect(error).toBeInstanceOf(ColumnError);
          }
        }
      }),
    );
  });

  it('read times as UTC with milliseconds', () => {
    expect(timeCell('ts', '2026-11-01T01:02:03.004Z')).toBe(Date.UTC(2026, 10, 1, 1, 2, 3, 4));
    expect(timeCell('ts', '2026-11-01T01:02:03+01:00')).toBe(Date.UTC(2026, 10, 1, 0, 2, 3));
    expect(() => timeCell('ts', 'yesterday')).toThrow(ColumnError);
    expect(dayCell('fx_date', '2026-11-01')).toBe(Date.UTC(2026, 10, 1) / 86_400_000);
    expect(() => dayCell('fx_date', '2026-02-30T')).toThrow(ColumnError);
  });

  it('keep text that UTF-8 can hold and mend the rest', () => {
    expect(textCell('tag', 'ключ 🗝')).toBe('ключ 🗝');
    expect(textCell('tag', 'a\ud800')).toBe('a\ufffd');
    expect(textCell('tag', null)).toBe('');
  });

  it('cut counts at what their column holds and refuse what is no count', () => {
    expect(countCell('n', 300, 255)).toBe(255);
    expect(() => countCell('n', -1, 255)).toThrow(ColumnError);
    expect(() => countCell('n', Number.NaN, 255)).toThrow(ColumnError);
    expect(() => hexCell('trace', 'xyz', 16)).toThrow(ColumnError);
  });
});
