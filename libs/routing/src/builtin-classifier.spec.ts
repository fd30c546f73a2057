import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PromptClassifier } from './domain/prompt-classifier.js';
import { loadBuiltinClassifier, readClassifier } from './routing.module.js';

const asset = (name: string): Buffer =>
  readFileSync(createRequire(import.meta.url).resolve(`#assets/routing/classifier.${name}`));
const toBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const load = (): PromptClassifier => {
  const loaded = loadBuiltinClassifier();
  if (loaded === null) throw new Error('the shipped artefact cannot be read');
  return loaded;
};
const classifier = load();

describe('the built-in classifier', () => {
  it.each([
    'hi',
    'thank you!',
    'What is the capital of Norway?',
    'Which colour is grass?',
    'Translate "good night" into Polish.',
    'Tell me a joke about ducks',
    'What time is it in Tokyo?',
    'List three names for a dog.',
  ])('finds the weak model enough for: %s', (prompt) => {
    expect(classifier.judge(prompt, 0.5)).toMatchObject({ chose: 'weak', abstained: false });
  });

  it.each([
    'Prove that the square root of 3 is irrational, then generalise the proof to every prime and justify each step.',
    'Implement a wait-free queue in C++ and argue why each memory ordering is sufficient; compare it with a mutex.',
    'A boat goes 30 km downstream in 2 hours and returns in 3 hours. Compute the speed of the current. Show the algebra.',
    'Derive the gradient of the softmax cross entropy and explain why it is numerically unstable without a shift.',
  ])('sends to the strong model: %s', (prompt) => {
    expect(classifier.judge(prompt, 0.5)).toMatchObject({ chose: 'strong', abstained: false });
  });

  it.each([
    '',
    'zxqv bnrtl kjwpq vfgtz mmqpl rrtxz qqwvb lkjhg pwzxc nbvtr',
    '证明存在无穷多个素数，然后用拓扑学给出第二个独立的证明。',
  ])('does not know and says so: %j', (prompt) => {
    expect(classifier.judge(prompt, 0.5).abstained).toBe(true);
  });

  it('sends more to the strong model the larger the wanted share, nothing at 0 and everything at 1', () => {
    const prompt = 'Explain how a heat pump works and compare it with a gas boiler.';
    const thresholds = [0, 0.05, 0.2, 0.5, 0.77, 0.95, 1].map((share) => classifier.judge(prompt, share).thresholdQ);

    expect(thresholds).toEqual(thresholds.toSorted((a, b) => b - a));
    expect(classifier.judge('hi', 1).chose).toBe('strong');
    expect(classifier.judge('Prove the Riemann hypothesis.', 0).chose).toBe('weak');
  });

  it('answers in integers, the same again, from a fresh copy too, whatever it saw between', () => {
    const other = load();
    fc.assert(
      fc.property(fc.string({ maxLength: 5000, unit: 'binary' }), fc.string({ maxLength: 200 }), (text, between) => {
        const first = classifier.judge(text, 0.4);
        classifier.judge(between, 0.4);

        expect(JSON.stringify(classifier.judge(text, 0.4))).toBe(JSON.stringify(first));
        expect(JSON.stringify(other.judge(text, 0.4))).toBe(JSON.stringify(first));
        const numbers = [first.scoreQ, first.thresholdQ, first.unknownPermille, ...first.top.map(([, part]) => part)];
        expect(numbers.every(Number.isSafeInteger)).toBe(true);
      }),
    );
  });

  it('lets the learned heads speak on prompts like the training ones, the same before and after another', () => {
    const choice =
      'Which of the following statements about the acceleration of a falling body is correct?\n' +
      'A. It depends on the mass of the body.\nB. It is constant near the surface.\n' +
      'C. It is zero at the start.\nD. It grows with time.\nAnswer:';
    const code = '[PYTHON]\ndef f(text):\n    return text.upper()\nassert f("abc") == ??\n[/PYTHON]';
    const first = classifier.judge(choice, 0.5);
    const other = classifier.judge(code, 0.5);

    expect(first.top.some(([name]) => /^(w|bucket):/.test(name))).toBe(true);
    expect(classifier.judge(choice, 0.5)).toEqual(first);
    expect(classifier.judge(code, 0.5)).toEqual(other);
  });

  it('scores as it did when it was trained', () => {
    const prompts = [
      'hi',
      'What is 12 * 9?',
      'def f(x):\n    return x\nassert f(1) == ??',
      'x'.repeat(4000),
      'é'.repeat(10),
    ];
    const scores = prompts.map((prompt) => classifier.judge(prompt, 0.5).scoreQ);

    expect(scores).toEqual([-7381, 780, 6304, 10892, -2380]);
  });

  it('reads equal text in composed and decomposed form as the same', () => {
    expect(classifier.judge('Où est le café ?', 0.5)).toEqual(
      classifier.judge('Où est le café ?'.normalize('NFD'), 0.5),
    );
  });

  it('spells out no word of a prompt but those of its own lexicon', () => {
    const secret =
      'Which of the following statements about the acceleration of Mrs Fitzwilliam is correct?\n' +
      'A. It depends on the mass of the body.\nB. It is constant near the surface.\n' +
      'C. It is zero at the start.\nD. It grows with time.\nAnswer:';
    const named = classifier.judge(secret, 0.5).top.map(([name]) => name);

    const lexical = /^(rule:[a-z_]+|bucket:\d+|w:which)$/;
    expect(named.filter((name) => !lexical.test(name))).toEqual([]);
    expect(named.some((name) => name.startsWith('bucket:'))).toBe(true);
  });

  it('names the rules that counted', () => {
    const { top } = classifier.judge('Prove by induction, step by step, that the algebra holds.', 0.5);

    expect(top.length).toBeGreaterThan(0);
    expect(top.map(([name]) => name)).toContain('rule:reason');
  });

  it('decides in microseconds', () => {
    const prompt = 'A shop sells pens at 3 for 2 euros and notebooks at 4 euros each. '.repeat(4);
    for (let i = 0; i < 2000; i++) classifier.judge(prompt, 0.5);
    const taken = Array.from({ length: 1000 }, () => {
      const started = performance.now();
      classifier.judge(prompt, 0.5);
      return (performance.now() - started) * 1000;
    }).toSorted((a, b) => a - b);

    expect(taken[500]).toBeLessThan(250);
  });
});

describe('readClassifier', () => {
  it('makes no classifier of bytes that do not fit, and does not throw', () => {
    const json = asset('json');
    const bin = asset('bin');
    const changed = Uint8Array.from(bin);
    changed[5] = 1 + (changed[5] ?? 0);
    const parsed = JSON.parse(json.toString('utf8')) as { model: object };

    expect(readClassifier(json, bin)?.artifact).toBe(`sha256:${createHash('sha256').update(json).digest('hex')}`);
    expect(readClassifier(json, changed)).toBeNull();
    expect(readClassifier(new TextEncoder().encode('{'), bin)).toBeNull();
    expect(readClassifier(toBytes(null), bin)).toBeNull();
    expect(readClassifier(toBytes({ ...parsed, model: { ...parsed.model, featureVersion: 0 } }), bin)).toBeNull();
    expect(readClassifier(toBytes({ ...parsed, model: { ...parsed.model, marginQ: 0.5 } }), bin)).toBeNull();
  });
});
