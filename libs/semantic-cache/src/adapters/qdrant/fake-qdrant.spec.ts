import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FakeQdrant } from './test/fake-qdrant.js';

interface Exchange {
  readonly seq: number;
  readonly name: string;
  readonly request: { readonly method: string; readonly path: string; readonly body?: { readonly json?: unknown } };
  readonly response: { readonly status: number; readonly body?: { readonly json?: unknown } };
}
export const exchanges = readFileSync(new URL('__fixtures__/recorded-exchanges.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange);

/** mulberry32, four decimals: the recordings' vectors. */
function seeded(seed: number, dimensions: number): number[] {
  let state = seed;
  return Array.from({ length: dimensions }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.round((2 * (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) - 1) * 1e4) / 1e4;
  });
}

function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== 'object' || value === null) return value;
  const { $vec: vec, $mix: mix } = value as {
    $vec?: { seed: number; dim: number };
    $mix?: { a: number; b: number; w: number; dim: number };
  };
  if (vec !== undefined) return seeded(vec.seed, vec.dim);
  if (mix !== undefined) {
    const other = seeded(mix.b, mix.dim);
    return seeded(mix.a, mix.dim).map((x, i) => Math.round((x + mix.w * (other[i] ?? 0)) * 1e4) / 1e4);
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, expand(field)]));
}

/** The 500 points of a recorded batch, from its first id on. */
function wholeBatch(body: unknown): unknown {
  const { points } = body as { points: readonly { id: string; payload: { tenant: string } }[] };
  const first = Number(points[0]?.id.slice(-12));
  const tenant = points[0]?.payload.tenant;
  return {
    points: Array.from({ length: 500 }, (_, k) => {
      const n = first + k;
      return {
        id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
        vector: seeded(n, 256),
        payload: {
          tenant,
          partition: `p-${n % 3}`,
          expires_at: 1_790_000_000 + (n % 10) * 600 - 600,
          epoch: 7 - (n % 2),
          key: `k${n}`,
          answer: `answer ${n}`,
        },
      };
    }),
  };
}

describe('the Qdrant double follows the recorded server', () => {
  const fake = new FakeQdrant();
  const replayed = exchanges.filter(({ seq, name }) => seq < 1_000 && name !== 'strict-client-429');

  it('has the recordings', () => {
    expect(exchanges).toHaveLength(50);
    expect(seeded(1, 256).slice(0, 4)).toEqual([0.2541, -0.9945, 0.0549, 0.9621]);
  });

  it.each(replayed.map((exchange) => [exchange.seq, exchange.name, exchange] as const))(
    '%i %s',
    (_, name, { request, response }) => {
      const recorded = request.body?.json;
      const body = name === 'upsert-batch-500' ? wholeBatch(recorded) : expand(recorded);

      const answer = fake.handle(request.method, request.path, body);

      expect(answer.status).toBe(response.status);
      const wanted = (response.body?.json as { result?: unknown } | undefined)?.result;
      if (response.status !== 200 || name.startsWith('upsert') || name.startsWith('index')) return;
      expect(comparable((answer.body as { result: unknown }).result)).toEqual(comparable(wanted));
    },
  );
});

/** Without versions, scores to three digits: the server compares quantised vectors. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'version')
      .map(([name, field]) => [name, name === 'score' ? Number(field).toFixed(3) : comparable(field)]),
  );
}
