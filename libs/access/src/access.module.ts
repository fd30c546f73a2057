import { MemoryBudgetStore } from './adapters/memory/memory-budget-store.js';
import { MemoryIdempotencyStore } from './adapters/memory/memory-idempotency-store.js';
import { MemoryKeyRing } from './adapters/memory/memory-key-ring.js';
import { MemoryLimitStore } from './adapters/memory/memory-limit-store.js';
import { RedisBudgetStore } from './adapters/redis/redis-budget-store.js';
import { RedisIdempotencyStore } from './adapters/redis/redis-idempotency-store.js';
import { RedisLimitStore } from './adapters/redis/redis-limit-store.js';
import type { BudgetStore } from './ports/budget-store.js';
import { IDEMPOTENCY_BOUNDS, type IdempotencyBounds, type IdempotencyStore } from './ports/idempotency-store.js';
import type { KeyRing } from './ports/key-ring.js';
import type { LimitStore } from './ports/limit-store.js';

export { followControl } from './usecases/follow-control.js';
export { adoptKey, issueKey, revokeKey } from './usecases/issue-key.js';
export { budgetExhausted, createBudgetHolds } from './usecases/hold-budget.js';
export { createLimiter } from './usecases/limit-requests.js';
export { createSpendLedger } from './usecases/spend-ledger.js';

/** An empty ring; fill it from the control topic (`followControl`). */
export function createKeyRing(): KeyRing {
  return new MemoryKeyRing();
}

/** Counters of this process. */
export function createMemoryLimitStore(): LimitStore {
  return new MemoryLimitStore();
}

/** Counters shared over Redis or Valkey (`redis://…`, `rediss://…`). Opens also while the server is away. */
export async function openRedisLimitStore(url: string): Promise<LimitStore> {
  const store = new RedisLimitStore(url);
  await store.connect();
  return store;
}

/** Holds of budgets of this process. */
export function createMemoryBudgetStore(): BudgetStore {
  return new MemoryBudgetStore();
}

/** Holds of budgets shared over Redis or Valkey. Opens also while the server is away. */
export async function openRedisBudgetStore(url: string): Promise<BudgetStore> {
  const store = new RedisBudgetStore(url);
  await store.connect();
  return store;
}

/** Idempotent answers of this process; a restart forgets them. */
export function createMemoryIdempotencyStore(bounds: IdempotencyBounds = IDEMPOTENCY_BOUNDS): IdempotencyStore {
  return new MemoryIdempotencyStore(bounds);
}

/** Idempotent answers shared over Redis or Valkey. Opens also while the server is away. */
export async function openRedisIdempotencyStore(url: string): Promise<IdempotencyStore> {
  const store = new RedisIdempotencyStore(url, IDEMPOTENCY_BOUNDS);
  await store.connect();
  return store;
}
