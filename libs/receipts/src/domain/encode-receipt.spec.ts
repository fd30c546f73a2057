import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { encodeReceipt, RECEIPT_BYTES_MAX } from './encode-receipt.js';

const AT = '2026-01-01T00:00:00.000Z';
const generated = [...generateReceipts({ seed: 7, count: 30, endMs: Date.parse(AT), days: 1 })];
const receipt = generated.find(({ attempts }) => attempts.length > 0) as Receipt;
const withoutUsage = ({ attempts }: Receipt): readonly unknown[] =>
  attempts.map((attempt) => ({ ...attempt, usageRaw: null }));
const bytes = (value: string | Uint8Array): number => Buffer.byteLength(value as string);

/** A receipt whose event has just so many bytes, by raw usage or by the model's name. */
function ofBytes(count: number, part: 'usage' | 'model', filler = 'x'): Receipt {
  const make = (text: string): Receipt =>
    part === 'model'
      ? { ...receipt, requestedModel: text }
      : { ...receipt, attempts: receipt.attempts.map((each, n) => (n === 0 ? { ...each, usageRaw: { text } } : each)) };
  const left = count - bytes(encodeReceipt(make(''), AT).record.value);
  const width = Buffer.byteLength(filler);
  return make('x'.repeat(left % width) + filler.repeat(Math.floor(left / width)));
}

describe('the event of a receipt', () => {
  it.each(['x', '€'])('is as it is up to 65,535 bytes (filled with %s)', (filler) => {
    const given = ofBytes(RECEIPT_BYTES_MAX, 'usage', filler);

    const { receipt: kept, record } = encodeReceipt(given, AT);

    expect(bytes(record.value)).toBe(65_535);
    expect(kept).toBe(given);
  });

  it.each(['x', '€'])('gives up raw usage at 65,536 bytes (filled with %s)', (filler) => {
    const given = ofBytes(RECEIPT_BYTES_MAX + 1, 'usage', filler);

    const { receipt: kept, record } = encodeReceipt(given, AT);

    expect(bytes(record.value)).toBeLessThan(20_000);
    expect(kept.attempts[0]?.usageRaw).toEqual({ omitted_bytes: bytes(JSON.stringify(given.attempts[0]?.usageRaw)) });
    expect(JSON.parse(record.value as string)).toEqual(kept);
    expect(withoutUsage(kept)).toEqual(withoutUsage(given));
  });

  it('cuts what a client sent as the name of a model, and nothing that a sum needs', () => {
    const given = ofBytes(3_000_000, 'model');

    const { receipt: kept, record } = encodeReceipt(given, AT);

    expect(bytes(record.value)).toBeLessThan(20_000);
    expect(kept.requestedModel).toHaveLength(256);
    expect({ ...kept, requestedModel: '', attempts: [] }).toEqual({ ...given, requestedModel: '', attempts: [] });
    expect(withoutUsage(kept)).toEqual(withoutUsage(given));
  });
});
