import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { Clock } from '#events/ports/clock.js';
import type { EventLogWriter } from '#event-log/ports/event-log.js';
import type { Obstacle } from '#dispatch/ports/dispatcher.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { Target } from '#routing/domain/route-plan.js';
import type { SaltKey } from '#semantic-cache/ports/content-cipher.js';

/** What every request's ledger shares. */
export interface LedgerParts {
  readonly log: EventLogWriter;
  readonly prices: PriceBook;
  readonly registry: ProviderRegistry;
  readonly clock: Clock;
  readonly environment: string;
  /** What the commitments of one request are salted with: a key of the person whom `user` names, or of the tenant. */
  readonly saltKey: (tenantId: string, user: string) => SaltKey;
  /** Pseudonym of the caller's `user` field within its tenant. */
  readonly pseudonym: (tenantId: string, user: string) => string;
  /** Which targets cannot be called now, by their index; `null` = all can. */
  readonly obstacles: (targets: readonly Target[]) => readonly (Obstacle | null)[] | null;
  readonly onOpened: (receiptId: string) => void;
  /** An answer went into the log for the cache; its own process need not wait to read it back. */
  readonly onContent: (record: NewRecord) => void;
  /** @param text the receipt's JSON as it went into the log. */
  readonly onSealed: (receipt: Receipt, text: string) => void;
}
