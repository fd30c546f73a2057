import type { Receipt } from '#events/domain/receipt.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';

interface Recent {
  readonly receipt: Receipt;
  readonly decision: RoutePlan | null;
}

/** The receipts of this process's last requests: answers `/v1/receipts/{id}` before SQL has the row. Bounded. */
export class RecentReceipts {
  readonly #receipts = new Map<string, Recent>();

  constructor(private readonly countMax = 10_000) {}

  add(receipt: Receipt, decision: RoutePlan | null): void {
    this.#receipts.set(receipt.receiptId, { receipt, decision });
    if (this.#receipts.size <= this.countMax) return;
    const oldest = this.#receipts.keys().next().value;
    if (oldest !== undefined) this.#receipts.delete(oldest);
  }

  /** `null` for another tenant's receipt as for none. */
  find(tenantId: string, receiptId: string): Recent | null {
    const recent = this.#receipts.get(receiptId);
    return recent !== undefined && recent.receipt.tenantId === tenantId ? recent : null;
  }

  /** Newest first. */
  list(tenantId: string, apiKeyId: string | null, limit: number): readonly Receipt[] {
    const found: Receipt[] = [];
    for (const { receipt } of [...this.#receipts.values()].toReversed()) {
      if (found.length >= limit) break;
      if (receipt.tenantId === tenantId && (apiKeyId === null || receipt.apiKeyId === apiKeyId)) found.push(receipt);
    }
    return found;
  }
}
