import { describe, expect, it } from 'vitest';
import { Readiness } from './readiness.js';

describe('readiness', () => {
  it('names the targets that rest, a hundred at most, and stays ready', () => {
    const open = { target: 'a/m a/1', state: 'open', openForMs: 4_000 } as const;
    const half = { target: 'b/m b/1', state: 'half_open', openForMs: 0 } as const;
    const closed = { target: 'c/m c/1', state: 'closed', openForMs: 0 } as const;

    const few = new Readiness(() => [closed, open, half]).report();
    const many = new Readiness(() => Array.from({ length: 300 }, () => open)).report();

    expect(few).toEqual({
      status: 'ready',
      dependencies: [],
      breakers: [
        { target: 'a/m a/1', state: 'open', open_for_ms: 4_000 },
        { target: 'b/m b/1', state: 'half_open', open_for_ms: 0 },
      ],
    });
    expect([many.status, many.breakers.length]).toEqual(['ready', 100]);
  });
});
