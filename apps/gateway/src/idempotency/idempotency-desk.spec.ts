import { describe, expect, it } from 'vitest';
import { createMemoryIdempotencyStore } from '#access/access.module.js';
import { IDEMPOTENCY_BOUNDS, type IdempotencyStore } from '#access/ports/idempotency-store.js';
import { RouterError } from '#events/domain/router-error.js';
import { contentSubjectOf, createContentCipher } from '#semantic-cache/semantic-cache.module.js';
import type { RequestContext } from '../completions/request-context.js';
import { IdempotencyDesk, type HeldName, type Named } from './idempotency-desk.js';
import type { StoredAnswer } from './stored-answer.js';

const ANSWER: StoredAnswer = { receiptId: 'r1', provider: 'p', model: 'm', madeMs: 1, body: 'the answer' };
const cipher = createContentCipher('0123456789abcdef'.repeat(4));

interface Asked {
  readonly body?: string;
  readonly tenantId?: string;
  readonly keyId?: string;
  readonly api?: string;
  readonly user?: string;
}
let receipts = 0;
const asked = ({ body = 'body', tenantId = 't', keyId = 'k', api = 'chat.completions', user }: Asked = {}) =>
  ({
    receiptId: `r${(receipts += 1)}`,
    api,
    key: { tenantId, keyId },
    rawBody: Buffer.from(body),
    body: { user },
  }) as unknown as RequestContext;

function deskOver(store: IdempotencyStore = createMemoryIdempotencyStore()): IdempotencyDesk {
  const { leaseMs } = IDEMPOTENCY_BOUNDS;
  return new IdempotencyDesk({
    store,
    fallback: createMemoryIdempotencyStore(),
    cipher,
    leaseMs,
    onProblem: () => undefined,
  });
}
const heldOf = (named: Named): HeldName => {
  if (named.kind !== 'held') throw new Error(named.kind);
  return named.held;
};

const away = async (): Promise<never> => {
  throw new RouterError({ code: 'store_unavailable', publicMessage: 'away' });
};

describe('the names of requests', () => {
  it('are refused while the first one runs, and answered after its end', async () => {
    const desk = deskOver();
    const held = heldOf(await desk.claim(asked(), 'name'));

    const during = desk.claim(asked(), 'name');
    await expect(during).rejects.toMatchObject({
      code: 'idempotency_in_progress',
      httpStatus: 409,
      retryAfterMs: 1_000,
    });
    await held.keep(ANSWER);

    expect(await desk.claim(asked(), 'name')).toEqual({ kind: 'answered', answer: ANSWER });
  });

  it.each([
    ['another body', { body: 'other' }],
    ['another route', { api: 'embeddings' }],
  ])('are not for %s', async (_what, other) => {
    const desk = deskOver();
    await heldOf(await desk.claim(asked(), 'name')).keep(ANSWER);

    await expect(desk.claim(asked(other), 'name')).rejects.toMatchObject({
      code: 'idempotency_mismatch',
      httpStatus: 422,
    });
  });

  it('are each key’s own', async () => {
    const desk = deskOver();
    await heldOf(await desk.claim(asked(), 'name')).keep(ANSWER);

    const kinds = [
      (await desk.claim(asked({ tenantId: 'other' }), 'name')).kind,
      (await desk.claim(asked({ keyId: 'other' }), 'name')).kind,
      (await desk.claim(asked(), 'another name')).kind,
    ];

    expect(kinds).toEqual(['held', 'held', 'held']);
  });

  it('are free again when they are released', async () => {
    const desk = deskOver();
    await heldOf(await desk.claim(asked(), 'name')).release();

    expect((await desk.claim(asked({ body: 'other' }), 'name')).kind).toBe('held');
  });

  it('hold within the process while the store is away, and requests flow', async () => {
    const store: IdempotencyStore = {
      claim: away,
      renew: away,
      keep: away,
      release: away,
      forget: away,
      ping: away,
      close: away,
    };
    const desk = deskOver(store);
    await heldOf(await desk.claim(asked(), 'name')).keep(ANSWER);

    expect((await desk.claim(asked(), 'name')).kind).toBe('answered');
    await expect(desk.forget('t', 't')).resolves.toBeUndefined();
  });

  it('keep no answer of an erased subject', async () => {
    const desk = deskOver();
    await heldOf(await desk.claim(asked({ user: 'ada' }), 'ada')).keep(ANSWER);
    await heldOf(await desk.claim(asked({ user: 'bob' }), 'bob')).keep(ANSWER);

    await desk.forget('t', contentSubjectOf(cipher, 't', 'ada'));

    expect((await desk.claim(asked({ user: 'ada' }), 'ada')).kind).toBe('held');
    expect((await desk.claim(asked({ user: 'bob' }), 'bob')).kind).toBe('answered');
  });

  it('reach the store as hashes and sealed text only', async () => {
    const memory = createMemoryIdempotencyStore();
    const told: unknown[] = [];
    const store = new Proxy(memory, {
      get:
        (target, method: keyof IdempotencyStore) =>
        (...given: unknown[]) => {
          told.push(...given);
          return (target[method] as (...all: unknown[]) => unknown).apply(target, given);
        },
    });
    const desk = deskOver(store);

    await heldOf(await desk.claim(asked({ body: 'a secret prompt' }), 'a telling name')).keep({
      ...ANSWER,
      body: 'a secret answer',
    });

    expect(JSON.stringify(told)).not.toMatch(/secret|telling/);
    expect(told.length).toBeGreaterThan(2);
  });
});
