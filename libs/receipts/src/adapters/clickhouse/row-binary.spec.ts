import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.js';
import { cellWriter } from './row-binary.js';

function written(type: string, cell: unknown): string {
  const out = new ByteWriter(1);
  cellWriter(type)(out, cell as never);
  return out.bytes().toString('hex');
}

describe('cells in binary', () => {
  it.each([
    ['UInt8', 255, 'ff'],
    ['UInt16', 0x0102, '0201'],
    ['UInt32', 4_294_967_295, 'ffffffff'],
    ['UInt64', Number.MAX_SAFE_INTEGER, 'ffffffffffff1f00'],
    ['UInt64', 2n ** 53n, '0000000000002000'],
    ['Decimal64(12)', -1n, 'ffffffffffffffff'],
    ['Nullable(Decimal64(12))', null, '01'],
    ['Nullable(Bool)', true, '0001'],
    ['Float64', 1, '000000000000f03f'],
    ["DateTime64(3,'UTC')", 0x0102030405, '0504030201000000'],
    ['Date', 20_000, '204e'],
    ["Enum8('no'=0,'yes'=1)", 1, '01'],
    ['UUID', '00112233-4455-6677-8899-aabbccddeeff', '7766554433221100ffeeddccbbaa9988'],
    ['FixedString(4)', '01fe0a0a', '01fe0a0a'],
    ['FixedString(4)', '', '00000000'],
    ['LowCardinality(String)', 'é', '02c3a9'],
    ['Array(LowCardinality(String))', ['a', ''], '02016100'],
    ['Map(LowCardinality(String), UInt64)', { a: 10 }, '0101610a00000000000000'],
  ])('%s of %s', (type, cell, expected) => {
    expect(written(type, cell)).toBe(expected);
  });

  it('hold any text as UTF-8 behind its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const out = new ByteWriter(1);
        out.text(text);
        const bytes = out.bytes();
        const head = bytes.length - Buffer.byteLength(text);

        expect(bytes.subarray(head).toString('utf8')).toBe(text);
        expect(head).toBe(Buffer.byteLength(text) < 128 ? 1 : Buffer.byteLength(text) < 16_384 ? 2 : 3);
      }),
    );
  });

  it('exist for no type that no column has', () => {
    expect(() => cellWriter('Variant(String)')).toThrow(RangeError);
  });
});
