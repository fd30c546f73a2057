import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN_TOKEN,
  CLIENT_KEY,
  startGateway,
  type GatewayProcess,
} from '../../../../tools/reliability/gateway-process.js';
import { eventually } from '../../../standalone/test/start-product.js';
import { startLargeUpstream, type LargeUpstream } from './large-upstream.js';
import { bodyOf, HEADERS_OF_ITS_OWN, send, type Ask, type Told } from './raw-request.js';

/** Every limit of docs/reliability.md#limits, at its default where one gateway can be brought there in a second. */
const MIB = 1024 * 1024;
const REQUESTS_MAX = 90;
const ADDRESS_MAX = 60;
const TOTAL_TIMEOUT_MS = 2_000;

let upstream: LargeUpstream;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await startLargeUpstream();
  gateway = await startGateway({
    configuration: `
providers: { large: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: none } }
models:
  "hasty/*": { targets: [ { provider: large, model: "*" } ], timeouts: { total_timeout_ms: ${TOTAL_TIMEOUT_MS} } }
prices: { unpriced: cap }
reliability:
  max_attempts: 1
  max_concurrent: ${REQUESTS_MAX}
  max_concurrent_per_address: ${ADDRESS_MAX}
  trusted_proxies: [127.0.0.1]
  lag_alarm_ms: 1
`,
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const ask = (over: Partial<Ask>): Promise<Told> => send({ port: gateway.port, model: 'large/late:0', ...over });
const padded = (bytes: number): string => {
  const empty = bodyOf('large/late:0', { user: '' }).length;
  return bodyOf('large/late:0', { user: 'u'.repeat(bytes - empty) });
};
const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const header = (count: number, chars = 1): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, n) => [`x-${n}`, 'v'.repeat(chars)] as const);
const message = { role: 'user', content: 'x' };
const tool = { type: 'function', function: { name: 'f', parameters: {} } };
/** Around the event, the answer. */
const ENVELOPE = 400;

interface Limit {
  readonly limit: string;
  readonly at: Partial<Ask>;
  readonly over: Partial<Ask>;
  readonly status: number;
  /** `null`: a plain validation error. */
  readonly code: string | null;
  /** Decision 4: past authentication every refusal has one. */
  readonly receipt: boolean;
}

const LIMITS: readonly Limit[] = [
  {
    limit: 'body of 4 MiB',
    at: { raw: padded(4 * MIB) },
    over: { raw: padded(4 * MIB + 1) },
    status: 413,
    code: 'request_too_large',
    receipt: true,
  },
  {
    limit: 'header block of 16 KiB',
    at: { headers: header(15, 1_000) },
    over: { headers: header(16, 1_024) },
    status: 431,
    code: 'request_too_large',
    receipt: false,
  },
  {
    limit: '100 headers',
    at: { headers: header(100 - HEADERS_OF_ITS_OWN) },
    over: { headers: header(101 - HEADERS_OF_ITS_OWN) },
    status: 431,
    code: 'request_too_large',
    receipt: false,
  },
  {
    limit: 'address of 2,048 characters',
    at: { path: `?${'q'.repeat(2_048 - '/v1/chat/completions?'.length)}` },
    over: { path: `?${'q'.repeat(2_049 - '/v1/chat/completions?'.length)}` },
    status: 414,
    code: 'request_too_large',
    receipt: false,
  },
  {
    limit: 'JSON of 64 levels',
    at: { extra: { deep: nested(63) } },
    over: { extra: { deep: nested(64) } },
    status: 400,
    code: null,
    receipt: true,
  },
  {
    limit: '2,000 messages',
    at: { extra: { messages: many(2_000, message) } },
    over: { extra: { messages: many(2_001, message) } },
    status: 400,
    code: null,
    receipt: true,
  },
  {
    limit: '128 tools',
    at: { extra: { tools: many(128, tool) } },
    over: { extra: { tools: many(129, tool) } },
    status: 400,
    code: null,
    receipt: true,
  },
  { limit: '8 choices', at: { extra: { n: 8 } }, over: { extra: { n: 9 } }, status: 400, code: null, receipt: true },
  {
    limit: 'answer of 32 MiB',
    at: { model: `large/json:${32 * MIB - ENVELOPE}` },
    over: { model: `large/json:${32 * MIB + 1}` },
    status: 502,
    code: 'upstream_bad_response',
    receipt: true,
  },
  {
    limit: 'event of 8 MiB in a stream',
    at: { model: `large/event:${8 * MIB - ENVELOPE}`, extra: { stream: true } },
    over: { model: `large/event:${8 * MIB + 1}`, extra: { stream: true } },
    // After the first content: the status is out, an error frame ends it.
    status: 200,
    code: 'upstream_truncated',
    receipt: true,
  },
  {
    limit: `${TOTAL_TIMEOUT_MS} ms for the whole request`,
    at: { model: 'hasty/late:100' },
    over: { model: 'hasty/late:20000' },
    status: 504,
    code: 'upstream_timeout',
    receipt: true,
  },
];

async function expectAlive(): Promise<void> {
  expect([gateway.exit, (await ask({})).status]).toEqual([null, 200]);
}

/** The refusal is what it should be, and its receipt there or not. */
async function expectRefused(told: Told, status: number, code: string | null, receipt: boolean): Promise<void> {
  expect([told.status, told.code]).toEqual([status, code]);
  expect(told.receiptId !== undefined).toBe(receipt);
  if (!receipt) return;
  const found = await fetch(`${gateway.baseUrl}/receipts/${told.receiptId}`, {
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
  });
  expect(found.status).toBe(200);
}

/** So many under way, then one more, then all ended. */
async function oneMore(count: number, over: (n: number) => Partial<Ask>): Promise<readonly [Told, readonly Told[]]> {
  const asked = upstream.asked.length;
  const inside = Array.from({ length: count }, (_, n) => ask({ ...over(n), model: 'large/held' }));
  await eventually(() => upstream.asked.length === asked + count);
  const refused = await ask(over(count));
  upstream.release();
  return [refused, await Promise.all(inside)];
}

const twice = async (model: string): Promise<unknown[]> => {
  await ask({ model, cached: true });
  const again = await ask({ model, cached: true });
  return [again.status, again.headers['x-nextmodel-cache']];
};

const tags = async (value: string): Promise<number> => {
  const told = await ask({ headers: [['x-nextmodel-tags', value]] });
  const found = await fetch(`${gateway.baseUrl}/receipts/${told.receiptId}`, {
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
  });
  expect(told.status).toBe(200);
  return Object.keys(((await found.json()) as { tags: object }).tags).length;
};
const named = (count: number, chars: number): string =>
  Array.from({ length: count }, (_, n) => `t${String(n).padStart(3, '0')}=${'v'.repeat(chars)}`).join(',');

const from = (address: string): Partial<Ask> => ({ headers: [['x-forwarded-for', address]] });

async function newKey(wish: object): Promise<string> {
  const made = await fetch(`${gateway.origin}/admin/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });
  return ((await made.json()) as { key: string }).key;
}

describe('every limit', () => {
  it.each(LIMITS.map((limit) => [limit.limit, limit] as const))(
    '%s: at it a request is served, just above it refused, and the gateway lives on',
    async (_name, { at, over, status, code, receipt }) => {
      const served = await ask(at);
      const refused = await ask(over);

      expect([served.status, served.code]).toEqual([200, undefined]);
      await expectRefused(refused, status, code, receipt);
      await expectAlive();
    },
    60_000,
  );

  it('what has no price, where it is capped: budgets and cost limits count the dearest rates known', async () => {
    const dear = { headers: [['x-nextmodel-max-cost-usd', '0.001']] as const, extra: { max_tokens: 100 } };
    const cheap = { headers: [['x-nextmodel-max-cost-usd', '1']] as const, extra: { max_tokens: 100 } };
    const key = await newKey({ name: 'capped', budget: '0.01' });

    const limited = [await ask(dear), await ask(cheap)];
    const budgeted: Told[] = [];
    for (let n = 0; n < 3; n += 1) budgeted.push(await ask({ key }));

    expect(limited.map((told) => told.code)).toEqual(['cost_limit_exceeded', undefined]);
    // Twenty tokens cost 0.0075 at the rates of the dearest model in the catalogue; the second may use up the rest.
    expect(budgeted.map((told) => [told.status, told.code])).toEqual([
      [200, undefined],
      [200, undefined],
      [429, 'insufficient_quota'],
    ]);
    expect(budgeted[0]?.headers['x-nextmodel-cost-status']).toBe('unpriced');
    expect(budgeted[0]?.headers['x-nextmodel-cost-usd']).toBeUndefined();
  });

  it('50 requests of one key at once, unless the key says otherwise', async () => {
    const key = await newKey({ name: 'usual' });

    const [refused, served] = await oneMore(50, () => ({ key }));

    expect(new Set(served.map((told) => told.status))).toEqual(new Set([200]));
    expect([refused.status, refused.code, refused.headers['retry-after']]).toEqual([429, 'rate_limit_exceeded', '1']);
    expect(refused.receiptId).toMatch(/^rcpt_/);
    expect((await ask({ key })).status).toBe(200);
  });

  it(`${ADDRESS_MAX} requests of one address at once, where that is switched on`, async () => {
    const [refused, served] = await oneMore(ADDRESS_MAX, () => from('forged, 198.51.100.7'));

    expect(new Set(served.map((told) => told.status))).toEqual(new Set([200]));
    await expectRefused(refused, 429, 'rate_limit_exceeded', true);
    expect((await ask(from('198.51.100.8'))).status).toBe(200);
  });

  it(`${REQUESTS_MAX} requests in the process: more are refused at the door, without a receipt`, async () => {
    const [refused, served] = await oneMore(REQUESTS_MAX, (n) => ({
      headers: [['x-forwarded-for', `198.51.100.${n % 3}`]],
    }));

    expect(new Set(served.map((told) => told.status))).toEqual(new Set([200]));
    await expectRefused(refused, 503, 'overloaded', false);
    await expectAlive();
  });

  it('256 KiB for an answer in the cache: a longer one is asked for again', async () => {
    expect(await twice(`large/json:${250 * 1024}`)).toEqual([200, 'HIT']);
    expect(await twice(`large/json:${257 * 1024}`)).toEqual([200, 'MISS']);
  });

  it('16 tags and 4 KiB of them on a receipt: what is beyond is left out, and the request served', async () => {
    expect([await tags(named(16, 1)), await tags(named(17, 1))]).toEqual([16, 16]);
    expect([await tags(named(8, 508)), await tags(named(9, 508))]).toEqual([8, 8]);
  });

  it('the lag of the event loop: counted, and one line a minute', async () => {
    await Promise.all(many(4, 0).map(() => ask({ raw: padded(4 * MIB) })));
    const late = await eventually(async () => {
      const text = await (await fetch(`${gateway.origin}/metrics`)).text();
      return Number(/^nextmodel_late_loop_total (\d+)$/m.exec(text)?.[1]);
    });

    expect(late).toBeGreaterThan(0);
    expect(gateway.output.split('the event loop is late')).toHaveLength(2);
  });

  it('wrong admin credentials: 401, from the eleventh of a minute on 429, and the right one at any time', async () => {
    const list = async (token: string): Promise<Response> =>
      fetch(`${gateway.origin}/admin/v1/keys`, { headers: { authorization: `Bearer ${token}` } });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push((await list(`wrong-${n}`)).status);
    const last = await list('wrong again');

    expect(statuses).toEqual([...many(10, 401), 429, 429]);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await list(ADMIN_TOKEN)).status).toBe(200);
    expect(gateway.output).toContain('asked with wrong credentials');
    expect(gateway.output).not.toContain('wrong-0');
  });
});
