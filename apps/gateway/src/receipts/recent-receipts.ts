import type { Receipt } from '#events/domain/receipt.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';

/** As kept: text costs the garbage collector one object where a receipt would cost fifty. */
interface Kept {
  readonly tenantId: string;
  readonly apiKeyId: string;
  readonly text: string;
  readonly decision: RoutePlan | null;
}

interface Recent {
  readonly receipt: Receipt;
  readonly decision: RoutePlan | null;
}

/** The receipts of this process's last requests: answers `/v1/receipts/{id}` before SQL has the row. Bounded. */
export class RecentReceipts {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly countMax = 10_000) {}

  /** @param text the receipt's JSON as it went into the log. */
  add(receipt: Receipt, text: string, decision: RoutePlan | null): void {
    this.#kept.set(receipt.receiptId, {
      tenantId: receipt.tenantId,
      apiKeyId: receipt.apiKeyId,
      text,
      decision,
    });
    if (this.#kept.size <= this.countMax) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  /** `null` for another tenant's receipt as for none. */
  find(tenantId: string, receiptId: string): Recent | null {
    const kept = this.#kept.get(receiptId);
    if (kept === undefined || kept.tenantId !== tenantId) return null;
    return { receipt: JSON.parse(kept.text) as Receipt, decision: kept.decision };
  }

  /** Newest first. */
  list(tenantId: string, apiKeyId: string, limit: number): readonly Receipt[] {
    const found: Receipt[] = [];
    for (const kept of [...this.#kept.values()].toReversed()) {
      if (found.length >= limit) break;
      if (kept.tenantId === tenantId && kept.apiKeyId === apiKeyId) found.push(JSON.parse(kept.text) as Receipt);
    }
    return found;
  }
}
