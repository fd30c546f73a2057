import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { entryIdOf } from './domain/cache-key.js';
import { parseCacheControl } from './domain/cache-policy.js';
import type { CacheContent, CacheKey, CacheQuestion } from './domain/cache-question.js';
import type { Embedder } from './ports/embedder.js';
import type { CacheLookup } from './ports/semantic-cache.js';
import type { CachePoint, VectorIndex } from './ports/vector-index.js';
import {
  createContentCipher,
  createMemoryIndex,
  createSemanticCache,
  loadStaticEmbedder,
} from './semantic-cache.module.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const cipher = createContentCipher('ab'.repeat(32));

interface Asking {
  readonly tenantId?: string;
  readonly header?: string;
  readonly maxError?: number;
  readonly semantic?: boolean;
  readonly nowMs?: number;
  readonly body?: Partial<ChatRequest>;
}

function asking(text: unknown, options: Asking = {}): CacheQuestion {
  return {
    tenantId: options.tenantId ?? 'acme',
    body: { model: 'small', temperature: 0, messages: [{ role: 'user', content: text }], ...options.body },
    resolvedModel: 'small',
    policyHash: 'p1',
    control: parseCacheControl(options.header),
    policy: { exact: true, semantic: options.semantic ?? true, maxError: options.maxError ?? 0.01, ttlSeconds: 3_600 },
    nowMs: options.nowMs ?? NOW,
  };
}

const answerOf = (text: string, message: object = {}, finish = 'stop'): CacheContent['answer'] => ({
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: text, ...message }, finish_reason: finish }],
});

/** Wide by default: the first look-up by meaning loads the verifier, and tests share a busy machine. */
function setUp(
  index: VectorIndex = createMemoryIndex(),
  embedder: () => Promise<Embedder> = loadStaticEmbedder,
  timeBoxMs = 5_000,
) {
  const cache = createSemanticCache({ index, embedder, cipher, sha256Hex, timeBoxMs });
  const keyOf = (asked: CacheQuestion): CacheKey => {
    const made = cache.keyOf(asked);
    if (made.key === null) throw new Error(made.reason);
    return made.key;
  };
  const lookUp = (asked: CacheQuestion): Promise<CacheLookup> => cache.lookUp(asked, keyOf(asked));
  const decide = (asked: CacheQuestion, answer: CacheContent['answer'], receiptId = 'r1') => {
    const key = keyOf(asked);
    const { question, exactHash } = key;
    const content: CacheContent = {
      question,
      exactHash,
      answer,
      provider: 'beta',
      model: 'beta-small',
      costPicoUsd: '5',
    };
    return { key, decision: cache.decideStore(asked, key, receiptId, content) };
  };
  const pointOf = async (
    asked: CacheQuestion,
    answer = answerOf('the answer'),
    receiptId = 'r1',
  ): Promise<CachePoint> => {
    const { key, decision } = decide(asked, answer, receiptId);
    if (!decision.store) throw new Error(decision.reason);
    const { event } = decision;
    return {
      id: entryIdOf(key.scope, key.question, key.exactHash, sha256Hex),
      scope: event.scope,
      tenantId: event.tenantId,
      epoch: event.epoch,
      storedAtMs: Date.parse(event.storedAt),
      expiresAtMs: Date.parse(event.expiresAt),
      receiptId,
      vector: await (await loadStaticEmbedder()).embed(key.question),
      sealed: event.sealed,
      keyId: event.keyId,
    };
  };
  const store = async (asked: CacheQuestion, answer?: CacheContent['answer'], receiptId?: string): Promise<void> =>
    index.upsert([await pointOf(asked, answer, receiptId)]);
  return { cache, index, keyOf, lookUp, decide, store, pointOf };
}

describe('a look-up', () => {
  it('finds the same request exactly, a rewording of form by its normal form and a plain rewording by meaning', async () => {
    const { lookUp, store } = setUp();
    await store(asking('How do I reset my password?'));

    const exact = await lookUp(asking('How do I reset my password?'));
    const normalised = await lookUp(asking('how do i reset my password'));
    const semantic = await lookUp(asking('How can I reset my password?'));

    expect(exact).toMatchObject({ kind: 'hit', tier: 'exact', receiptId: 'r1', ageSeconds: 0, similarity: null });
    expect(normalised).toMatchObject({ kind: 'hit', tier: 'normalised' });
    expect(semantic).toMatchObject({ kind: 'hit', tier: 'semantic', reason: 'score' });
    expect(semantic.similarity).toBeGreaterThan(0.98);
    expect(exact.kind === 'hit' && exact.content.answer).toEqual(answerOf('the answer'));
  });

  it('keeps to the strictest threshold when little error is tolerated', async () => {
    const { lookUp, store } = setUp();
    await store(asking('How do I reset my password?'));

    const strict = await lookUp(asking('How can I reset my password?', { maxError: 0.001 }));

    expect(strict).toMatchObject({ kind: 'miss', reason: 'score_below' });
  });

  it.each([
    ['What is 38% of 200?', 'What is 38% of 300?'],
    ['How do I turn on dark mode?', 'How do I turn off dark mode?'],
    ['Can cats eat chocolate?', 'Can dogs eat chocolate?'],
    ['What happened before the war?', 'What happened after the war?'],
    ['Is it safe to mix bleach and water?', 'Is it not safe to mix bleach and water?'],
  ])('never answers "%s" for "%s"', async (stored, asked) => {
    const { lookUp, store } = setUp();
    await store(asking(stored));

    const found = await lookUp(asking(asked));

    expect(found.kind).toBe('miss');
    expect(found.similarity).toBeGreaterThan(0.7);
  });

  it('never crosses tenants, models, contexts, tools or sampling', async () => {
    const { lookUp, store } = setUp();
    const text = 'How do I reset my password?';
    await store(asking(text));
    const others: CacheQuestion[] = [
      asking(text, { tenantId: 'other' }),
      { ...asking(text), resolvedModel: 'large' },
      { ...asking(text), policyHash: 'p2' },
      asking(text, {
        body: {
          messages: [
            { role: 'system', content: 'Answer in French.' },
            { role: 'user', content: text },
          ],
        },
      }),
      asking(text, { body: { tools: [{ type: 'function', function: { name: 'f' } }] } }),
      asking(text, { body: { temperature: 0.1 } }),
      asking(text, { body: { max_tokens: 5 } }),
      asking(text, { body: { response_format: { type: 'json_object' } } }),
    ];

    for (const other of others) expect((await lookUp(other)).kind).toBe('miss');
  });

  it('gives one entry to streams, users and metadata of all kinds', async () => {
    const { lookUp, store } = setUp();
    await store(asking('How do I reset my password?'));

    const found = await lookUp(
      asking([{ type: 'text', text: 'How do I reset my password?' }], {
        body: {
          stream: true,
          stream_options: { include_usage: true },
          user: 'u1',
          metadata: { a: 'b' },
          messages: [{ content: [{ type: 'text', text: 'How do I reset my password?' }], role: 'user' }],
        },
      }),
    );

    expect(found).toMatchObject({ kind: 'hit', tier: 'exact' });
  });

  it('keeps images and requests that end in a tool result to the exact tier', async () => {
    const { keyOf, lookUp, store } = setUp();
    const image = (url: string) =>
      asking([
        { type: 'text', text: 'What is on it here today' },
        { type: 'image_url', image_url: { url } },
      ]);
    const tool = asking('', {
      body: {
        messages: [
          { role: 'user', content: 'Weather in Rome?' },
          { role: 'tool', content: '20', tool_call_id: 'x' },
        ],
      },
    });
    await store(image('a'));

    expect((await lookUp(image('a'))).kind).toBe('hit');
    expect((await lookUp(image('b'))).kind).toBe('miss');
    expect(keyOf(tool)).toMatchObject({
      question: '',
      normalisable: false,
      semantic: false,
      semanticRefusal: 'not_text',
    });
  });

  it('obeys the request header', async () => {
    const { lookUp, store } = setUp();
    const later = { nowMs: NOW + 120_000 };
    await store(asking('How do I reset my password?'));

    expect(await lookUp(asking('How do I reset my password?', { header: 'no-cache' }))).toMatchObject({
      reason: 'no_cache',
    });
    expect(await lookUp(asking('How do I reset my password?', { header: 'max-age=60', ...later }))).toMatchObject({
      kind: 'miss',
    });
    expect(await lookUp(asking('How do I reset my password?', { header: 'max-age=180', ...later }))).toMatchObject({
      ageSeconds: 120,
    });
    expect(await lookUp(asking('How can I reset my password?', { header: 'semantic=off' }))).toMatchObject({
      kind: 'miss',
    });
  });

  it('lets time-sensitive answers live ten minutes', async () => {
    const { lookUp, store } = setUp();
    await store(asking('What is the latest stable Linux kernel?'));

    expect((await lookUp(asking('What is the latest stable Linux kernel?', { nowMs: NOW + 599_000 }))).kind).toBe(
      'hit',
    );
    expect((await lookUp(asking('What is the latest stable Linux kernel?', { nowMs: NOW + 601_000 }))).kind).toBe(
      'miss',
    );
  });

  it.each([
    ['pointing', 'Can you solve this puzzle for me', {}],
    ['temperature', 'How do I reset my password?', { temperature: 0.7 }],
    ['few_words', 'What is love?', {}],
    ['language', 'Comment est-ce que je peux activer le mode sombre', {}],
    ['language', 'как сбросить пароль', {}],
    ['code', 'Fix it:\n```js\nfoo()\n```', {}],
    ['length', 'word '.repeat(1_500), {}],
    [
      'turns',
      'How do I reset my password?',
      { messages: Array.from({ length: 5 }, () => ({ role: 'user', content: 'How do I reset my password?' })) },
    ],
  ])('refuses meaning for %s', (reason, text, body) => {
    const { keyOf } = setUp();

    expect(keyOf(asking(text, { body }))).toMatchObject({ semantic: false, semanticRefusal: reason });
  });

  it('allows meaning when no temperature is given', () => {
    const { keyOf } = setUp();
    const { temperature: _, ...body } = asking('How do I reset my password?').body;

    expect(keyOf({ ...asking('x'), body } as CacheQuestion).semantic).toBe(true);
  });
});

describe('a look-up in an index that lies', () => {
  const text = 'How do I reset my password?';
  const lying = (change: (point: CachePoint) => CachePoint, vectorScore = 1): VectorIndex => ({
    ...createMemoryIndex(),
    get: async () => change(await setUp().pointOf(asking(text))),
    nearest: async () => [{ point: change(await setUp().pointOf(asking(text))), similarity: vectorScore }],
  });

  it.each<[string, (point: CachePoint) => CachePoint]>([
    ['another tenant', (point) => ({ ...point, tenantId: 'other' })],
    ['another scope', (point) => ({ ...point, scope: 'ff' })],
    ['an expired entry', (point) => ({ ...point, expiresAtMs: NOW })],
    ['another epoch', (point) => ({ ...point, epoch: 0 })],
    ['a broken text', (point) => ({ ...point, sealed: point.sealed.replace(/^.{30}/, 'A'.repeat(30)) })],
    ['another key', (point) => ({ ...point, keyId: 'other/1' })],
    ['no number', (point) => ({ ...point, expiresAtMs: Number.NaN })],
  ])('is a miss for %s', async (_, change) => {
    const { lookUp } = setUp(lying(change));

    expect((await lookUp(asking(text))).kind).toBe('miss');
  });

  it("is a miss for another tenant's answer relabelled as the caller's", async () => {
    const foreign = await setUp().pointOf(asking(text, { tenantId: 'other' }));
    const own = await setUp().pointOf(asking(text));
    const relabelled = { ...foreign, tenantId: own.tenantId, scope: own.scope, id: own.id };
    const { lookUp } = setUp({
      ...createMemoryIndex(),
      get: () => Promise.resolve(relabelled),
      nearest: () => Promise.resolve([{ point: relabelled, similarity: 1 }]),
    });

    expect((await lookUp(asking(text))).kind).toBe('miss');
  });

  it('is a miss for an answer to another question of the same scope under the asked id', async () => {
    const point = await setUp().pointOf(asking('How do I delete my account?'));
    const { lookUp } = setUp({
      ...createMemoryIndex(),
      get: () => Promise.resolve(point),
      nearest: () => Promise.resolve([]),
    });

    expect((await lookUp(asking(text))).kind).toBe('miss');
  });

  it('is a miss within the time box when it hangs, and costs nothing after three times', async () => {
    const { lookUp } = setUp({ ...createMemoryIndex(), get: () => new Promise(() => {}) }, loadStaticEmbedder, 50);

    const started = performance.now();
    const first = await lookUp(asking(text));
    const took = performance.now() - started;
    await lookUp(asking(text));
    await lookUp(asking(text));
    const fourth = await lookUp(asking(text));

    expect(first).toMatchObject({ kind: 'miss', reason: 'index_timeout' });
    expect(took).toBeLessThan(1_000);
    expect(fourth).toMatchObject({ kind: 'miss', reason: 'index_unavailable' });
  });

  it('is a miss when index or embedder fail', async () => {
    const broken = setUp({ ...createMemoryIndex(), get: () => Promise.reject(new Error('down')) });
    const noEmbedder = setUp(createMemoryIndex(), () => Promise.reject(new Error('429')));

    expect(await broken.lookUp(asking(text))).toMatchObject({ kind: 'miss', reason: 'index_error' });
    expect(await noEmbedder.lookUp(asking(text))).toMatchObject({ kind: 'miss', reason: 'embedder_error' });
  });
});

describe('storing', () => {
  it.each<[string, CacheContent['answer']]>([
    ['finish_reason', answerOf('cut', {}, 'length')],
    ['finish_reason', answerOf('x', {}, 'content_filter')],
    ['finish_reason', { choices: [{ message: { content: 'x' }, finish_reason: null }] }],
    ['tool_calls', answerOf('x', { tool_calls: [{ id: '1' }] })],
    ['refusal', answerOf('x', { refusal: 'no' })],
    ['refusal', answerOf("I'm sorry, but I can't help with that.")],
    ['no_content', answerOf('')],
    ['no_choices', { error: { message: 'x' } }],
  ])('refuses %s', (reason, answer) => {
    const { decide } = setUp();

    expect(decide(asking('How do I reset my password?'), answer).decision).toEqual({ store: false, reason });
  });

  it('refuses when the caller says so', () => {
    const { decide } = setUp();

    expect(decide(asking('x y z', { header: 'no-store' }), answerOf('x')).decision).toMatchObject({
      reason: 'no_store',
    });
    expect(decide(asking('x y z', { body: { store: false } }), answerOf('x')).decision).toMatchObject({
      reason: 'store_false',
    });
  });

  it('seals the text, expires by policy and hides the user', () => {
    const { decide } = setUp();

    const { decision } = decide(
      asking('How do I reset my password?', { body: { user: 'jane@example.com' } }),
      answerOf('secret answer'),
    );

    expect(decision.store && decision.event.expiresAt).toBe('2026-11-24T13:00:00.000Z');
    expect(decision.store && decision.event.subject).toMatch(/^acme:[0-9a-f]{32}$/);
    expect(JSON.stringify(decision)).not.toMatch(/jane|secret|password/);
  });

  it('has no key for a caller who wants neither', () => {
    const { cache } = setUp();

    expect(cache.keyOf(asking('x', { header: 'no-cache, no-store' }))).toEqual({
      key: null,
      reason: 'bypassed_by_caller',
    });
  });
});
