import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKeyOf } from './cache-key.js';
import { parseCacheControl } from './cache-policy.js';
import type { CacheKey, CacheQuestion } from './cache-question.js';
import { canonicalJson } from './canonical-json.js';
import { splitMessages } from './cache-scope.js';

const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const asking = (change: Partial<CacheQuestion>): CacheQuestion => ({
  tenantId: 't',
  body: { model: 'm', messages: [{ role: 'user', content: 'hello there world' }] },
  resolvedModel: 'm',
  policyHash: 'p',
  control: parseCacheControl(undefined),
  policy: { exact: true, semantic: true, maxError: 0.01, ttlSeconds: 60 },
  nowMs: 0,
  ...change,
});
const keyOf = (change: Partial<CacheQuestion>): CacheKey => cacheKeyOf(asking(change), sha256Hex);
const shuffled = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shuffled)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toReversed()
            .map(([name, field]) => [name, shuffled(field)]),
        )
      : value;

describe('canonical JSON', () => {
  it('is JSON of the same value and does not know the order of fields', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
        expect(canonicalJson(shuffled(plain))).toBe(canonicalJson(plain));
      }),
    );
  });
});

const scopeOf = ([tenantId, resolvedModel, policyHash, system]: readonly string[]): string =>
  keyOf({
    tenantId: tenantId ?? '',
    resolvedModel: resolvedModel ?? '',
    policyHash: policyHash ?? '',
    body: {
      model: 'm',
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: 'x' },
      ],
    },
  }).scope;

const idOf = (content: string): string => keyOf({ body: { model: 'm', messages: [{ role: 'user', content }] } }).id;

const questionOf = (content: unknown): string => splitMessages([{ role: 'user', content }]).question;

describe('a cache key', () => {
  it('has a scope of its own for every tenant, model, policy and context, however they are cut', () => {
    const part = fc.string({ maxLength: 6, unit: fc.constantFrom('a', 'b', '"', ',', '/', ':', '\\', '\u0000') });
    const parts = fc.tuple(part, part, part, part);

    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(scopeOf(a) === scopeOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });

  it('depends on every field of the body but delivery, user and metadata', () => {
    const plain = keyOf({});
    const withField = (name: string): string =>
      keyOf({ body: { ...asking({}).body, [name]: 'x' } as CacheQuestion['body'] }).scope;

    for (const name of ['stream', 'stream_options', 'user', 'metadata']) expect(withField(name)).toBe(plain.scope);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        fc.pre(!['stream', 'stream_options', 'user', 'metadata', 'messages', 'model'].includes(name));
        expect(withField(name)).not.toBe(plain.scope);
      }),
    );
  });

  it('is a UUID and the same for the same question', () => {
    fc.assert(
      fc.property(fc.string(), (content) => {
        const change = { body: { model: 'm', messages: [{ role: 'user', content }] } };
        const key = keyOf(change);
        expect(key.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(keyOf(change)).toEqual(key);
      }),
    );
  });

  it('shares an id only among texts that differ in form', () => {
    expect(idOf('How do I reset my password?')).toBe(idOf('how do i reset my password'));
    expect(idOf('How do I reset my password?')).not.toBe(idOf('How do I reset her password?'));
    expect(idOf('```a b```')).not.toBe(idOf('```A b```'));
    expect(idOf('')).not.toBe(idOf('?'));
    expect(idOf('!')).not.toBe(idOf('?'));
  });

  it('takes a text part alone as text, and nothing else', () => {
    expect(questionOf([{ type: 'text', text: 'hi' }])).toBe('hi');
    expect(questionOf([{ type: 'text', text: 'hi', cache_control: {} }])).toBe('');
    expect(
      questionOf([
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
    ).toBe('');
    expect(questionOf(null)).toBe('');
    expect(splitMessages([{ role: 'assistant', content: 'x' }]).question).toBe('');
  });
});

describe('the request header', () => {
  it('is read whatever it contains', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(parseCacheControl(header).onlyIfCached).toBeTypeOf('boolean');
      }),
    );
    expect(parseCacheControl(' No-Store , max-age = 60,semantic=OFF')).toEqual({
      noCache: false,
      noStore: true,
      onlyIfCached: false,
      maxAgeSeconds: 60,
      semanticOff: true,
    });
    expect(parseCacheControl('max-age=soon').noCache).toBe(true);
  });
});
