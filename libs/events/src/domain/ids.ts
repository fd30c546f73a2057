/** A UUIDv7 in lower-case text form, made when a request is accepted. Shown to people as `rcpt_<uuid>`. */
export type ReceiptId = string & { readonly __brand: 'ReceiptId' };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function showReceiptId(id: ReceiptId | string): string {
  return `rcpt_${id}`;
}

/** Reads `rcpt_<uuid>` or a bare UUID; `null` for anything else. */
export function parseReceiptId(text: string): ReceiptId | null {
  const bare = text.startsWith('rcpt_') ? text.slice(5) : text;
  return UUID.test(bare) ? (bare as ReceiptId) : null;
}

/** `<receipt_id>:<n>`, n from 1. */
export function attemptId(receiptId: ReceiptId, n: number): string {
  return `${receiptId}:${n}`;
}

/** Milliseconds since 1970 inside a UUIDv7. */
export function receiptTimeMs(id: ReceiptId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
