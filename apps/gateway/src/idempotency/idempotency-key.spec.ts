import { describe, expect, it } from 'vitest';
import { readIdempotencyKey } from './idempotency-key.js';

describe('Idempotency-Key', () => {
  it.each(['a', 'order 17/2', '8e03978e-40d5-43e8-bc93-6894a57f9324', 'x'.repeat(255)])('takes "%s"', (key) => {
    expect(readIdempotencyKey(key)).toBe(key);
  });

  it.each([
    ['nothing', ''],
    ['only a space', ' '],
    ['more than 255 characters', 'x'.repeat(256)],
    ['a tab', 'a\tb'],
    ['a line break', 'a\nb'],
    ['a control character', 'a\u0000b'],
    ['letters beyond ASCII', 'schlüssel'],
  ])('refuses %s', (_what, key) => {
    expect(() => readIdempotencyKey(key)).toThrow(
      expect.objectContaining({ code: 'invalid_request', httpStatus: 400, param: 'Idempotency-Key' }),
    );
  });
});
