import { adoptKey, revokeKey } from '#access/access.module.js';
import type { KeyRing } from '#access/ports/key-ring.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Clock } from '#events/ports/clock.js';

const NAME = 'first';
const WISH = { name: NAME, tenantId: 'default', projectId: 'default', models: [], limits: {}, budgetUsd: null };

/**
 * The key of `NEXTMODEL_API_KEY`, or the one made at first start, as a key event. Its id comes from its text, so that
 * every gateway and every start means the same key. A former first key is revoked: the variable was changed.
 * @returns nothing when the ring already knows it, revoked or not.
 */
export function firstKeyRecords(ring: KeyRing, apiKey: string, clock: Clock): readonly NewRecord[] {
  const created = adoptKey(apiKey, WISH, clock);
  if (ring.get(created.keyId) !== undefined) return [];
  const records: NewRecord[] = [];
  for (const former of ring.list()) {
    if (former.name !== NAME || former.tenantId !== 'default' || former.revokedAt !== null) continue;
    const revoked = revokeKey(former.keyId, 'replaced by another first key', clock);
    records.push(
      encodeEvent('nextmodel.apikey.revoked.v1', `${former.keyId}/revoked`, former.keyId, revoked.revokedAt, revoked),
    );
  }
  const { keyId, createdAt } = created;
  records.push(encodeEvent('nextmodel.apikey.created.v1', `${keyId}/created`, keyId, createdAt, created));
  return records;
}

/** Id of that key. */
export function firstKeyId(apiKey: string, clock: Clock): string {
  return adoptKey(apiKey, WISH, clock).keyId;
}
