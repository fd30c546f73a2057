import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SubjectKey, SubjectKeyStore } from './subject-key-store.js';

const AT = 1_790_000_000_000;

export function subjectKey(subject: string, n: number, createdAtMs = AT): SubjectKey {
  return { keyId: `${subject}/2.${n}`, subject, createdAtMs, wrapped: Buffer.alloc(60, n) };
}

/** What every store of subject keys must do. */
export function subjectKeyStoreContract(name: string, open: () => Promise<SubjectKeyStore>): void {
  describe(`a store of subject keys (${name})`, () => {
    let store: SubjectKeyStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store.close();
    });

    it('gives back a key that was put in, and keeps the first of two under one id', async () => {
      await store.put(subjectKey('acme:a', 1));
      await store.put({ ...subjectKey('acme:a', 1), wrapped: Buffer.alloc(60, 9) });

      const found = await store.get('acme:a/2.1');

      expect(found).toMatchObject({ keyId: 'acme:a/2.1', subject: 'acme:a', createdAtMs: AT });
      expect(Buffer.from(found?.wrapped ?? [])).toEqual(Buffer.alloc(60, 1));
      expect(await store.get('acme:a/2.7')).toBeNull();
    });

    it('destroys every earlier key of an erased subject, no later one and nobody else’s', async () => {
      await store.put(subjectKey('acme:a', 1));
      await store.put(subjectKey('acme:a', 2, AT + 5));
      await store.put(subjectKey('acme:a', 3, AT + 10));
      await store.put(subjectKey('acme:ab', 4));

      const erased = await store.erase('acme:a', AT + 10);

      expect(erased).toBe(2);
      expect([await store.get('acme:a/2.1'), await store.get('acme:a/2.2')]).toEqual([null, null]);
      expect(await store.get('acme:a/2.3')).not.toBeNull();
      expect(await store.get('acme:ab/2.4')).not.toBeNull();
      expect(await store.erase('acme:a', AT + 10)).toBe(0);
    });
  });
}
