import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';

/** What a log entry may have (C2SP tlog-tiles gives its length 16 bits). */
export const RECEIPT_BYTES_MAX = 65_535;
/** No text of a receipt that means anything is longer; a client may send a model name of megabytes. */
const TEXT_MAX = 256;
const encoder = new TextEncoder();

/**
 * The event that seals a receipt. One that would be longer than 65,535 bytes gives up its parts without meaning for the
 * cost, in this order: raw usage (`{"omitted_bytes": n}` stands for it), then what texts have beyond 256 characters.
 * @returns the receipt as it was encoded.
 */
export function encodeReceipt(
  receipt: Receipt,
  time: string,
): { readonly receipt: Receipt; readonly record: NewRecord } {
  const record = toRecord(receipt, time);
  if (fits(record)) return { receipt, record };
  const withoutUsage = { ...receipt, attempts: receipt.attempts.map(omitUsage) };
  const smaller = toRecord(withoutUsage, time);
  if (fits(smaller)) return { receipt: withoutUsage, record: smaller };
  const cut = cutTexts(withoutUsage) as Receipt;
  return { receipt: cut, record: toRecord(cut, time) };
}

function toRecord(receipt: Receipt, time: string): NewRecord {
  const { receiptId } = receipt;
  return encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, time, receipt);
}

/** One character is at most three bytes, so that the usual receipt is not encoded twice. */
function fits({ value }: NewRecord): boolean {
  return value.length * 3 <= RECEIPT_BYTES_MAX || bytesOf(value) <= RECEIPT_BYTES_MAX;
}

const bytesOf = (value: string | Uint8Array): number =>
  typeof value === 'string' ? encoder.encode(value).length : value.length;

function omitUsage<T extends { readonly usageRaw: unknown }>(attempt: T): T {
  if (attempt.usageRaw === null || attempt.usageRaw === undefined) return attempt;
  return { ...attempt, usageRaw: { omitted_bytes: bytesOf(JSON.stringify(attempt.usageRaw)) } };
}

function cutTexts(value: unknown): unknown {
  if (typeof value === 'string') return value.length <= TEXT_MAX ? value : `${value.slice(0, TEXT_MAX - 1)}…`;
  if (Array.isArray(value)) return value.map(cutTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cutTexts(inner)]));
}
