import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyCreated, RouterEvent } from '#events/domain/router-event.js';
import { KEY_LENGTH_MAX } from '../../domain/key-text.js';
import type { ApiKey, KeyRing } from '../../ports/key-ring.js';

const MEMO_MAX = 4096;
const SCHEME = 'bearer ';
const DUMMY = Buffer.alloc(32);

interface Held {
  readonly digest: Buffer;
  key: ApiKey;
}

/** Holds digests, never keys, but for the memo of keys that were right since the last change. */
export class MemoryKeyRing implements KeyRing {
  readonly #byId = new Map<string, Held>();
  readonly #byDigest = new Map<string, Held>();
  readonly #revokedBefore = new Map<string, string>();
  readonly #memo = new Map<string, ApiKey>();

  authenticate(bearer: string): ApiKey | null {
    const known = this.#memo.get(bearer);
    if (known !== undefined) return known;
    if (bearer.length > KEY_LENGTH_MAX + SCHEME.length) return null;
    const token = bearer.slice(0, SCHEME.length).toLowerCase() === SCHEME ? bearer.slice(SCHEME.length).trim() : bearer;
    const digest = hash('sha256', token, 'hex');
    const held = this.#byDigest.get(digest);
    const same = timingSafeEqual(Buffer.from(digest, 'hex'), held?.digest ?? DUMMY);
    if (held === undefined || !same || held.key.revokedAt !== null) return null;
    if (this.#memo.size >= MEMO_MAX) this.#memo.clear();
    this.#memo.set(bearer, held.key);
    return held.key;
  }

  list(): readonly ApiKey[] {
    return [...this.#byId.values()].map(({ key }) => key);
  }

  get(keyId: string): ApiKey | undefined {
    return this.#byId.get(keyId)?.key;
  }

  apply(event: RouterEvent): void {
    if (event.type === 'nextmodel.apikey.created.v1') this.add(event.data);
    else if (event.type === 'nextmodel.apikey.revoked.v1') this.revoke(event.data.keyId, event.data.revokedAt);
  }

  private add(created: ApiKeyCreated): void {
    const digest = Buffer.from(created.digest, 'hex');
    if (digest.length !== 32 || this.#byId.has(created.keyId)) return;
    const key: ApiKey = {
      keyId: created.keyId,
      name: created.name,
      tenantId: created.tenantId,
      projectId: created.projectId,
      models: created.models,
      limits: created.limits,
      budgetUsd: created.budgetUsd,
      createdAt: created.createdAt,
      revokedAt: this.#revokedBefore.get(created.keyId) ?? null,
    };
    const held = { digest, key };
    this.#byId.set(created.keyId, held);
    if (!this.#byDigest.has(created.digest)) this.#byDigest.set(created.digest, held);
  }

  private revoke(keyId: string, revokedAt: string): void {
    this.#memo.clear();
    const held = this.#byId.get(keyId);
    if (held === undefined) {
      if (!this.#revokedBefore.has(keyId)) this.#revokedBefore.set(keyId, revokedAt);
    } else if (held.key.revokedAt === null) held.key = { ...held.key, revokedAt };
  }
}
