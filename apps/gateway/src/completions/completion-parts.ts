import type { ApiKey } from '#access/ports/key-ring.js';
import type { ContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { SingleFlight } from '#semantic-cache/ports/single-flight.js';
import type { CachePolicy, SemanticCache } from '#semantic-cache/ports/semantic-cache.js';
import type { Dispatcher } from '#dispatch/ports/dispatcher.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import type { Router } from '#routing/ports/router.js';
import type { Clock } from '#events/ports/clock.js';
import type { IdempotencyDesk } from '../idempotency/idempotency-desk.js';
import type { EmbeddingTarget } from './embedding-line.js';
import type { LiveAnswer } from './live-answer.js';
import type { ModelPolicies } from './model-policies.js';
import type { LedgerParts } from './ledger-parts.js';
import type { SharedAnswer } from './shared-answer.js';

/** Everything that serving a completion needs; assembled once at start. */
export interface CompletionParts {
  readonly clock: Clock;
  readonly router: Router;
  readonly registry: ProviderRegistry;
  readonly dispatcher: Dispatcher;
  readonly prices: PriceBook;
  readonly cache: SemanticCache;
  readonly cachePolicy: CachePolicy;
  /** Who embeds questions for money; `null` = the builtin embedder, which calls nobody. */
  readonly embedding: EmbeddingTarget | null;
  readonly flights: SingleFlight<SharedAnswer, LiveAnswer>;
  readonly idempotency: IdempotencyDesk;
  readonly cipher: ContentCipher;
  readonly models: ModelPolicies;
  readonly ledger: LedgerParts;
  /** `strict`: the answer's last byte waits until the receipt is on disk. */
  readonly durability: 'strict' | 'fast';
  readonly unpriced: 'allow' | 'block' | 'cap';
  /** What so many tokens without a price count for limits and budgets, picodollars; `null` = nothing. */
  readonly unpricedCap: ((inputTokens: number, outputTokens: number) => bigint) | null;
  /** A client that takes nothing for so long is given up. */
  readonly slowReaderMs: number;
  /** Holds picodollars of a key's budget until the request's receipt. @throws RouterError `insufficient_quota` (429). */
  readonly holdBudget: (key: ApiKey, receiptId: string, picoUsd: bigint) => Promise<void> | void;
}
