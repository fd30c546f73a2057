import { encodeEvent } from '#events/domain/event-codec.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { EventLogWriter } from '#event-log/ports/event-log.js';
import type { PriceBook } from '#pricing/ports/price-book.js';

/**
 * Puts the text of every price record that a receipt names into the log once, so that old receipts can be computed
 * again after files and catalogue have changed. Records of another source than `published` price nothing by that.
 */
export class PriceArchive {
  readonly #known = new Set<string>();

  constructor(
    private readonly log: EventLogWriter,
    private readonly prices: PriceBook,
    private readonly nowMs: () => number,
    private readonly onProblem: (error: unknown) => void,
  ) {}

  /** Told of every control event. */
  note(event: RouterEvent): void {
    if (event.type === 'nextmodel.price.published.v1') this.#known.add(event.data.priceHash);
  }

  /** A set look-up per attempt; appends at the first use of a price. */
  used(receipt: Receipt): void {
    for (const { priceId, priceHash } of receipt.attempts) {
      if (priceHash !== null && priceId !== null && !this.#known.has(priceHash)) this.#archive(priceId, priceHash);
    }
  }

  #archive(priceId: string, priceHash: string): void {
    const record = this.prices.recordText(priceHash);
    if (record === null) return;
    this.#known.add(priceHash);
    const publishedAt = new Date(this.nowMs()).toISOString();
    const data = { priceId, priceHash, record, publishedAt };
    this.log
      .append([encodeEvent('nextmodel.price.published.v1', `price/${priceHash}`, priceHash, publishedAt, data)], 'soon')
      .written.catch((error: unknown) => {
        this.#known.delete(priceHash);
        this.onProblem(error);
      });
  }
}
