import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  IDEMPOTENCY_BOUNDS,
  type IdempotencyBounds,
  type IdempotencyClaim,
  type IdempotencyStore,
  type SealedAnswer,
} from './idempotency-store.js';

type Open = (bounds: IdempotencyBounds) => Promise<IdempotencyStore>;

const answerOf = (sealed: string, subject = 'tenant'): SealedAnswer => ({ subject, keyId: `${subject}/1`, sealed });

/** What every store of idempotent answers must do. @param open gives a store that knows none of the names used here. */
export function describeIdempotencyStore(name: string, open: Open): void {
  describe(`idempotency store: ${name}`, () => {
    const run = Math.random().toString(36).slice(2);
    const stores: IdempotencyStore[] = [];
    let store: IdempotencyStore;
    const opened = async (bounds: Partial<IdempotencyBounds> = {}): Promise<IdempotencyStore> => {
      const made = await open({ ...IDEMPOTENCY_BOUNDS, ...bounds });
      stores.push(made);
      return made;
    };
    const claim = (id: string, more: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
      owner: `owner-${run}`,
      id,
      fingerprint: 'asked',
      holder: 'first',
      ...more,
    });
    beforeAll(async () => {
      store = await opened();
    });
    afterAll(() => Promise.all(stores.map((each) => each.close())));

    it('gives a name to one of many that ask at once', async () => {
      const states = await Promise.all(
        Array.from({ length: 20 }, async (_, at) => store.claim(claim('many', { holder: `holder-${at}` }))),
      );

      expect(states.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      expect(states.filter(({ kind }) => kind === 'running')).toHaveLength(19);
    });

    it('gives the kept answer to whoever asks the same again', async () => {
      const asked = claim('kept');
      await store.claim(asked);
      await store.keep(asked, 'first', answerOf('the answer'));

      const again = await store.claim(claim('kept', { holder: 'second' }));

      expect(again).toEqual({ kind: 'answered', answer: answerOf('the answer') });
    });

    it('tells another question under the same name, while it runs and after its end', async () => {
      const asked = claim('other');
      await store.claim(asked);

      const during = await store.claim(claim('other', { fingerprint: 'something else' }));
      await store.keep(asked, 'first', answerOf('x'));
      const after = await store.claim(claim('other', { fingerprint: 'something else' }));

      expect([during, after]).toEqual([{ kind: 'mismatch' }, { kind: 'mismatch' }]);
    });

    it('keeps the names of two owners apart', async () => {
      const asked = claim('theirs');
      await store.claim(asked);
      await store.keep(asked, 'first', answerOf('a secret'));

      const stranger = await store.claim({ ...asked, owner: `stranger-${run}` });

      expect(stranger).toEqual({ kind: 'claimed' });
    });

    it('frees a name that is released, but no answer and nobody else’s name', async () => {
      const asked = claim('freed');
      await store.claim(asked);
      await store.release(asked, 'somebody else');
      const held = await store.claim(claim('freed', { holder: 'second' }));
      await store.release(asked, 'first');
      const free = await store.claim(claim('freed', { holder: 'second' }));
      await store.keep(asked, 'second', answerOf('x'));
      await store.release(asked, 'second');
      const kept = await store.claim(asked);

      expect([held.kind, free.kind, kept.kind]).toEqual(['running', 'claimed', 'answered']);
    });

    it('takes no answer of who does not hold the name any more', async () => {
      const asked = claim('lost');
      await store.claim(asked);
      await store.release(asked, 'first');
      await store.claim(claim('lost', { holder: 'second' }));

      await store.keep(asked, 'first', answerOf('too late'));

      expect((await store.claim(asked)).kind).toBe('running');
    });

    it('frees the name of a process that died, and not that of one which renews it', async () => {
      const short = await opened({ leaseMs: 1_000 });
      const dead = claim('dead');
      const alive = claim('alive');
      await short.claim(dead);
      await short.claim(alive);
      const renewing = setInterval(() => void short.renew(alive, 'first'), 100);

      await expect
        .poll(async () => (await short.claim(claim('dead', { holder: 'second' }))).kind, { timeout: 10_000 })
        .toBe('claimed');
      await short.renew(alive, 'first');
      const running = await short.claim(claim('alive', { holder: 'second' }));
      clearInterval(renewing);

      expect(running.kind).toBe('running');
    });

    it('forgets an answer after its time', async () => {
      const short = await opened({ keepMs: 200 });
      const asked = claim('old');
      await short.claim(asked);
      await short.keep(asked, 'first', answerOf('x'));

      await expect.poll(async () => (await short.claim(asked)).kind, { timeout: 10_000 }).toBe('claimed');
    });

    it('drops the oldest answers of an owner beyond its number and its size', async () => {
      const few = await opened({ ownerAnswersMax: 2, ownerCharsMax: 100 });
      const owner = `bounded-${run}`;
      const other = claim('theirs', { owner: `beside-${run}` });
      await few.claim(other);
      await few.keep(other, 'first', answerOf('x'));
      const kept = async (id: string, chars: number): Promise<void> => {
        await few.claim(claim(id, { owner }));
        await few.keep(claim(id, { owner }), 'first', answerOf('x'.repeat(chars)));
      };
      const kindOf = async (id: string): Promise<string> => (await few.claim(claim(id, { owner }))).kind;

      for (const id of ['1', '2', '3']) await kept(id, 10);
      const byNumber = [await kindOf('2'), await kindOf('3'), await kindOf('1')];
      await kept('large', 95);
      const bySize = [await kindOf('large'), await kindOf('3')];

      expect(byNumber).toEqual(['answered', 'answered', 'claimed']);
      expect(bySize).toEqual(['answered', 'claimed']);
      expect((await few.claim(other)).kind).toBe('answered');
    });

    it('drops all answers of an erased subject, and no others', async () => {
      const one = claim('one');
      const two = claim('two');
      await store.claim(one);
      await store.keep(one, 'first', answerOf('x', `${one.owner}:erased`));
      await store.claim(two);
      await store.keep(two, 'first', answerOf('x', `${one.owner}:stays`));

      await store.forget(one.owner, `${one.owner}:erased`);

      expect([(await store.claim(one)).kind, (await store.claim(two)).kind]).toEqual(['claimed', 'answered']);
    });

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
