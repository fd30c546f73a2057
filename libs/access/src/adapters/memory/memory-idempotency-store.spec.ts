import { describe, expect, it } from 'vitest';
import { IDEMPOTENCY_BOUNDS } from '../../ports/idempotency-store.js';
import { describeIdempotencyStore } from '../../ports/idempotency-store.contract.js';
import { MemoryIdempotencyStore } from './memory-idempotency-store.js';

describeIdempotencyStore('memory', async (bounds) => new MemoryIdempotencyStore(bounds));

describe('idempotency store: memory', () => {
  it('drops the oldest answers of all owners beyond what a process may hold', () => {
    const store = new MemoryIdempotencyStore({ ...IDEMPOTENCY_BOUNDS, charsMax: 25 });
    const kindOf = (owner: string): string =>
      store.claim({ owner, id: 'k', fingerprint: 'asked', holder: 'first' }).kind;

    for (const owner of ['a', 'b', 'c']) {
      kindOf(owner);
      store.keep({ owner, id: 'k' }, 'first', { subject: owner, keyId: `${owner}/1`, sealed: 'x'.repeat(10) });
    }

    expect(['c', 'b', 'a'].map(kindOf)).toEqual(['answered', 'answered', 'claimed']);
  });

  it('holds no answer beyond its time, whether or not it is asked for', () => {
    let nowMs = 0;
    const store = new MemoryIdempotencyStore({ ...IDEMPOTENCY_BOUNDS, keepMs: 100, ownerAnswersMax: 1 }, () => nowMs);
    const name = { owner: 'a', id: 'k' };
    const kind = (): string => store.claim({ ...name, fingerprint: 'asked', holder: 'first' }).kind;
    kind();
    store.keep(name, 'first', { subject: 'a', keyId: 'a/1', sealed: 'x' });

    nowMs = 99;
    const before = kind();
    nowMs = 100;

    expect([before, kind()]).toEqual(['answered', 'claimed']);
  });
});
