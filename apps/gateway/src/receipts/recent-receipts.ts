import type { Receipt } from '#events/domain/receipt.js';

const BYTES_MAX = 24 * 1024 * 1024;
/** A list looks at this many receipts at most. */
const LISTED_MAX = 1_000;

interface Place {
  readonly receiptId: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The receipts of this process's last requests: answers `/v1/receipts/{id}` before SQL has the row. Kept as bytes in
 * one ring outside the heap, because ten thousand receipts as objects make every collection of garbage slow.
 */
export class RecentReceipts {
  readonly #ring: Buffer;
  readonly #places = new Map<string, Place>();
  #next = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#ring = Buffer.allocUnsafeSlow(bytesMax);
  }

  /** @param text the receipt's JSON as it went into the log. One that does not fit is not kept. */
  add(receiptId: string, text: string): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#ring.byteLength) return;
    if (this.#next + bytes > this.#ring.byteLength) {
      // What the last round left at the end is the oldest now; it would hide those that are written over.
      this.#forgetUnder(this.#next, this.#ring.byteLength);
      this.#next = 0;
    }
    const start = this.#next;
    const end = start + bytes;
    this.#forgetUnder(start, end);
    this.#ring.write(text, start, bytes, 'utf8');
    this.#places.set(receiptId, { receiptId, start, end });
    this.#next = end;
  }

  /** `null` for another tenant's receipt as for none. */
  find(tenantId: string, receiptId: string): Receipt | null {
    const place = this.#places.get(receiptId);
    const receipt = place === undefined ? null : this.#read(place);
    return receipt !== null && receipt.tenantId === tenantId ? receipt : null;
  }

  /** Newest first. */
  list(tenantId: string, apiKeyId: string, limit: number): readonly Receipt[] {
    const found: Receipt[] = [];
    for (const place of [...this.#places.values()].slice(-LISTED_MAX).toReversed()) {
      if (found.length >= limit) break;
      const receipt = this.#read(place);
      if (receipt.tenantId === tenantId && receipt.apiKeyId === apiKeyId) found.push(receipt);
    }
    return found;
  }

  #read(place: Place): Receipt {
    return JSON.parse(this.#ring.toString('utf8', place.start, place.end)) as Receipt;
  }

  /** The oldest stand next to be written over, so forgetting from the front is enough. */
  #forgetUnder(start: number, end: number): void {
    for (const place of this.#places.values()) {
      if (place.start >= end || place.end <= start) return;
      this.#places.delete(place.receiptId);
    }
  }
}
