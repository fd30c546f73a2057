import type { KeyRing } from '#access/ports/key-ring.js';
import type { EventLogReader, EventLogWriter } from '#event-log/ports/event-log.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { Clock } from '#events/ports/clock.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { ReceiptStore } from '#receipts/ports/receipt-store.js';
import type { ContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { Router } from '#routing/ports/router.js';
import type { RecentReceipts } from '../receipts/recent-receipts.js';
import type { Readiness } from '../readiness.js';
import type { TransparencyDesk } from '../transparency/transparency-desk.js';

export type OnReplayProgress = (read: number, total: number) => void;

/** Plain data for the caller: what the log says and what the rebuilt view says. */
export interface ReplayOutcome {
  readonly matches: boolean;
  readonly fromLog: Readonly<Record<string, string>>;
  readonly rebuilt: Readonly<Record<string, string>>;
}

/** What the slow routes need; the composition root makes it. */
export interface GatewayParts {
  readonly clock: Clock;
  readonly keys: KeyRing;
  /** Resolves when no key of an erased subject is left; rejects with `store_unavailable` and goes on by itself. */
  readonly keysErased: (subject: string) => Promise<void>;
  readonly applyControl: (event: RouterEvent) => void;
  readonly router: Router;
  readonly registry: ProviderRegistry;
  readonly prices: PriceBook;
  readonly log: EventLogWriter;
  readonly reader: EventLogReader;
  readonly partition: number;
  readonly recent: RecentReceipts;
  /** `null` while no ClickHouse is configured. */
  readonly store: ReceiptStore | null;
  readonly readiness: Readiness;
  readonly metricsText: () => Promise<string>;
  readonly adminToken: string;
  readonly onWrongAdminCredential: () => void;
  readonly replayCache: (onProgress: OnReplayProgress) => Promise<ReplayOutcome>;
  readonly replayReceipts: (onProgress: OnReplayProgress) => Promise<ReplayOutcome>;
  readonly replayTransparency: (onProgress: OnReplayProgress) => Promise<ReplayOutcome>;
  /** Proofs, checkpoints and tiles. */
  readonly transparency: TransparencyDesk;
  /** Makes the salts of commitments again; for keys of the receipt's own tenant. */
  readonly cipher: Pick<ContentCipher, 'keyState' | 'openSaltKey' | 'salt'>;
  readonly findReceipt: (tenantId: string, receiptId: string) => Promise<Receipt | null>;
}
export const GATEWAY_PARTS = Symbol('GatewayParts');
