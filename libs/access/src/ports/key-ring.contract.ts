import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '#events/adapters/manual/manual-clock.js';
import type { ApiKeyCreated, RouterEvent } from '#events/domain/router-event.js';
import { adoptKey, issueKey, revokeKey, type KeyWish } from '../usecases/issue-key.js';
import type { KeyRing } from './key-ring.js';

const clock = new ManualClock();
const WISH: KeyWish = { name: 'n', tenantId: 't', projectId: 'p', models: [], limits: {}, budgetUsd: null };
const attributes = { id: 'x', source: 's', time: '2026-01-01T00:00:00.000Z' };
const created = (data: ApiKeyCreated): RouterEvent => ({ ...attributes, type: 'nextmodel.apikey.created.v1', data });
const revoked = (keyId: string): RouterEvent => ({
  ...attributes,
  type: 'nextmodel.apikey.revoked.v1',
  data: revokeKey(keyId, 'test', clock),
});

/** What every key ring must do. */
export function describeKeyRing(name: string, create: () => KeyRing): void {
  describe(`key ring: ${name}`, () => {
    it('knows a key by its whole text only', () => {
      const ring = create();
      const { key, event } = issueKey(WISH, clock);
      ring.apply(created(event));

      expect(ring.authenticate(key)?.keyId).toBe(event.keyId);
      expect(ring.authenticate(`Bearer ${key}`)?.keyId).toBe(event.keyId);
      expect(ring.authenticate(key)?.keyId).toBe(event.keyId);
      for (const wrong of [key.slice(0, -1), `${key}0`, key.toUpperCase(), event.keyId, event.digest, '', 'Bearer ']) {
        expect(ring.authenticate(wrong)).toBeNull();
      }
    });

    it('takes a given text as it is, under the same id every time', () => {
      const ring = create();
      const text = 'nm_acceptance_0123456789abcdef0123456789abcdef';
      const event = adoptKey(text, WISH, clock);
      ring.apply(created(event));

      expect(ring.authenticate(text)?.keyId).toBe(event.keyId);
      expect(adoptKey(text, WISH, clock).keyId).toBe(event.keyId);
      expect(adoptKey(`${text}x`, WISH, clock).keyId).not.toBe(event.keyId);
    });

    it('refuses a revoked key at once, also after it was used', () => {
      const ring = create();
      const { key, event } = issueKey(WISH, clock);
      ring.apply(created(event));
      ring.authenticate(key);

      ring.apply(revoked(event.keyId));
      ring.apply(created(event));

      expect(ring.authenticate(key)).toBeNull();
      expect(ring.get(event.keyId)?.revokedAt).not.toBeNull();
      expect(ring.list()).toHaveLength(1);
    });

    it('takes the revocation of a key that comes later', () => {
      const ring = create();
      const { key, event } = issueKey(WISH, clock);

      ring.apply(revoked(event.keyId));
      ring.apply(created(event));

      expect(ring.authenticate(key)).toBeNull();
    });

    it('lets no second event change whose key it is', () => {
      const ring = create();
      const { key, event } = issueKey(WISH, clock);
      ring.apply(created(event));

      ring.apply(created({ ...event, tenantId: 'other' }));
      ring.apply(created({ ...event, keyId: 'other', tenantId: 'other' }));

      expect(ring.authenticate(key)?.tenantId).toBe('t');
    });

    it('never takes one text for another', () => {
      const ring = create();
      const { key, event } = issueKey(WISH, clock);
      ring.apply(created(event));

      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 2000 })), (text) => {
          expect(ring.authenticate(text)?.keyId).toBe(text === key ? event.keyId : undefined);
        }),
      );
    });
  });
}
