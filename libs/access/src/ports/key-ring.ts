import type { KeyLimits } from '#events/domain/router-event.js';

/** A virtual key as the request path sees it. */
export interface ApiKey {
  readonly keyId: string;
  readonly name: string;
  readonly tenantId: string;
  readonly projectId: string;
  readonly models: readonly string[];
  readonly limits: KeyLimits;
  readonly budgetUsd: string | null;
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** State of all keys: a replay of the control topic. */
export interface KeyRing {
  /**
   * Checks an `Authorization` header's bearer. Synchronous and exact; compares digests in constant time.
   * @returns `null` for unknown, wrong and revoked alike.
   */
  authenticate(bearer: string): ApiKey | null;
  list(): readonly ApiKey[];
  get(keyId: string): ApiKey | undefined;
}
export const KEY_RING = Symbol('KeyRing');
