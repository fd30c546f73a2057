import type { KeyLimits, RouterEvent } from '#events/domain/router-event.js';

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
   * @param bearer the token, with or without the word `Bearer` before it.
   * @returns `null` for unknown, wrong and revoked alike.
   */
  authenticate(bearer: string): ApiKey | null;
  /** All keys, revoked ones too, in the order of their making. */
  list(): readonly ApiKey[];
  get(keyId: string): ApiKey | undefined;
  /**
   * Takes `apikey.created` and `apikey.revoked` and ignores every other event. Idempotent: of two events about one key
   * the first counts; a revocation may come before the key it revokes. Effective at once.
   */
  apply(event: RouterEvent): void;
}
