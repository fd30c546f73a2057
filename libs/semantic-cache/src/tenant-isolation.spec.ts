import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryIdOf } from './domain/cache-key.js';
import { parseCacheControl } from './domain/cache-policy.js';
import type { CacheKey, CacheQuestion } from './domain/cache-question.js';
import type { VectorIndex } from './ports/vector-index.js';
import {
  createContentCipher,
  createMemoryIndex,
  createSemanticCache,
  loadStaticEmbedder,
} from './semantic-cache.module.js';

const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const cipher = createContentCipher('12'.repeat(32));
const embedder = await loadStaticEmbedder();
const QUESTIONS = [
  'How do I reset my password?',
  'how do i reset my password',
  'How can I reset my password?',
  'How do I turn on dark mode?',
  'How do I turn off dark mode?',
  'tenant-a/How do I reset my password?',
];

interface Step {
  readonly tenant: string;
  readonly question: number;
}

function client(index: VectorIndex) {
  const cache = createSemanticCache({ index, embedder, cipher, sha256Hex, timeBoxMs: 5_000 });
  return async ({ tenant, question }: Step): Promise<string> => {
    const text = QUESTIONS[question] ?? '';
    const asked: CacheQuestion = {
      tenantId: tenant,
      body: {
        model: 'm',
        user: 'same-user',
        metadata: { tenant: 'tenant-a' },
        messages: [{ role: 'user', content: text }],
      },
      resolvedModel: 'm',
      policyHash: 'p',
      control: parseCacheControl(undefined),
      policy: { exact: true, semantic: true, maxError: 0.01, ttlSeconds: 60 },
      nowMs: 1_790_000_000_000,
    };
    const key = cache.keyOf(asked).key as CacheKey;
    const found = await cache.lookUp(asked, key);
    if (found.kind === 'hit') return `${found.tier}:${JSON.stringify(found.content.answer)}`;
    const answer = { choices: [{ message: { content: `${tenant} on ${text}` }, finish_reason: 'stop' }] };
    const content = { question: text, exactHash: key.exactHash, answer, provider: 'p', model: 'm', costPicoUsd: null };
    const decision = cache.decideStore(asked, key, 'r', content);
    if (!decision.store) return decision.reason;
    const { scope, epoch, sealed, keyId } = decision.event;
    await index.upsert([
      {
        id: entryIdOf(scope, text, key.exactHash, sha256Hex),
        scope,
        tenantId: tenant,
        epoch,
        storedAtMs: asked.nowMs,
        expiresAtMs: asked.nowMs + 60_000,
        receiptId: 'r',
        vector: embedder.embed(text) as Float32Array | null,
        sealed,
        keyId,
      },
    ]);
    return 'miss';
  };
}

const run = async (steps: readonly Step[]): Promise<string[]> => {
  const ask = client(createMemoryIndex());
  const seen: string[] = [];
  for (const each of steps) seen.push(`${each.tenant} ${await ask(each)}`);
  return seen;
};

describe('tenants', () => {
  it('see in any interleaving what they would see alone', async () => {
    const step = fc.record({
      tenant: fc.constantFrom('tenant-a', 'tenant-b', 'tenant-a:x'),
      question: fc.nat(QUESTIONS.length - 1),
    });

    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const together = await run(steps);
        for (const tenant of ['tenant-a', 'tenant-b', 'tenant-a:x']) {
          const alone = await run(steps.filter((each) => each.tenant === tenant));
          expect(together.filter((line) => line.startsWith(`${tenant} `))).toEqual(alone);
        }
      }),
      { numRuns: 300 },
    );
  });
});
