import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DETECTED_TASKS, detectTask } from './task-detector.js';

describe('detectTask', () => {
  it.each([
    ['code', 'What does this do?\n```\nprint(1)\n```'],
    ['code', 'diff --git a/x.ts b/x.ts\n@@ -1,2 +1,2 @@\n-a\n+b'],
    ['code', 'TypeError: x is undefined\n    at run (/app/main.js:12:3)\n    at start (/app/main.js:40:1)'],
    ['code', 'Traceback (most recent call last):\n  File "a.py", line 1'],
    ['code', 'SELECT name FROM users WHERE id = 1'],
    ['code', 'Write a concurrent lock-free skip list in Rust and argue its linearizability step by step.'],
    ['code', 'const a = 1; let b = () => a; return b();'],
    ['math', 'Prove that there are infinitely many primes.'],
    ['math', 'What is 12 * 9?'],
    ['math', 'Tom has 3 apples and buys 4 more. How many apples does he have?'],
    ['math', 'Evaluate $\\frac{1}{2} + \\sqrt{2}$'],
    ['translation', 'Translate "good morning" into Spanish.'],
    ['translation', 'How do you say thank you in Italian?'],
    ['extraction', 'Extract the names and dates from this text: Ana came on Monday.'],
    ['extraction', 'Classify this review as positive or negative: it was fine.'],
    ['extraction', 'Answer in valid JSON with the city and the country.'],
    ['chat', 'hi'],
    ['chat', 'What is the capital of France?'],
    ['chat', 'Recommend a film for tonight.'],
    ['chat', ''],
    ['chat', '你好，最近怎么样？'],
  ])('takes as %s: %s', (task, text) => {
    expect(detectTask(text)).toBe(task);
  });

  it('always answers with one of its tasks, the same for the same text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500, unit: 'binary' }), (text) => {
        const task = detectTask(text);

        expect(DETECTED_TASKS).toContain(task);
        expect(detectTask(text)).toBe(task);
      }),
    );
  });

  it.each([' ', '\n', 'w', '1 ', 'label ', 'let ', '; ', 'a(', 'SELECT ', 'say ', ' at x '])(
    'stays quick on 4,000 characters of %j',
    (piece) => {
      const text = piece.repeat(Math.ceil(4000 / piece.length));
      const started = performance.now();

      detectTask(text);

      expect(performance.now() - started).toBeLessThan(100);
    },
  );
});
