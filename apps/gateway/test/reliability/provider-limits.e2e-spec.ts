import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream, type SeenCall } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, openAiError } from '../../../../tools/reliability/http-call.js';

const KEYS = ['key-one', 'key-two', 'key-three'];

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      phaseTimeoutMs: 10_000,
      totalTimeoutMs: 60_000,
      providers: [
        `  one: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: k }`,
        `  trio: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_keys: [good-1, bad-1, bad-2] }`,
        `  team: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_keys: [${KEYS.join(', ')}] }`,
      ].join('\n'),
      models:
        '  elsewhere: { targets: [ { provider: one, model: "f:429:ra1" }, { provider: second, model: "f:ok:else" } ] }',
    }),
  });
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const wholeSecond = (ms: number): number => Math.floor(ms / 1_000) * 1_000;

describe('the wait that a provider asks for', () => {
  it.each([
    ['milliseconds', 'ra300ms', (first: SeenCall) => first.atMs + 300],
    ['seconds', 'ra1', (first: SeenCall) => first.atMs + 1_000],
    // Two seconds from then; a date has no milliseconds.
    ['an HTTP date', 'radate', (first: SeenCall) => wholeSecond(first.atMs + 2_000)],
  ])('in %s is kept before the same target is called again', async (_form, how, earliestMs) => {
    const result = await callGateway(gateway.baseUrl, `one/f:once429:${how}`);

    const [first, second, third] = upstream.seen(result.id);
    expect([result.status, result.headers['x-nextmodel-attempts']]).toEqual([200, '2']);
    expect(third).toBeUndefined();
    // Both clocks count whole milliseconds.
    expect((second as SeenCall).atMs).toBeGreaterThanOrEqual(earliestMs(first as SeenCall) - 2);
  });

  it('is told to the client when it is too long to be waited for, and kept: the next one is told without a call', async () => {
    const model = 'one/f:429:ra3600';

    const result = await callGateway(gateway.baseUrl, model);

    expect([result.status, openAiError(result.body)?.code]).toEqual([429, 'upstream_rate_limited']);
    expect([result.headers['retry-after'], result.headers['retry-after-ms']]).toEqual(['3600', '3600000']);
    expect(upstream.seen(result.id)).toHaveLength(1);

    const next = await callGateway(gateway.baseUrl, model);

    expect([next.status, openAiError(next.body)?.code]).toEqual([429, 'upstream_rate_limited']);
    expect(Number(next.headers['retry-after'])).toBeGreaterThan(1);
    expect(upstream.seen(next.id)).toEqual([]);
  });

  it('is not waited for where another target is free', async () => {
    const result = await callGateway(gateway.baseUrl, 'elsewhere');
    const next = await callGateway(gateway.baseUrl, 'elsewhere');

    expect([result.status, next.status]).toEqual([200, 200]);
    expect(upstream.seen(result.id).map(({ model }) => model)).toEqual(['f:429:ra1', 'f:ok:else']);
    expect(upstream.seen(next.id).map(({ model }) => model)).toContain('f:ok:else');
  });
});

/** How often each was used by `count` requests, and what their callers saw. */
async function send(count: number) {
  const used = new Map<string, number>();
  const statuses: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const { id, status } = await callGateway(gateway.baseUrl, 'team/f:ok:keys');
    statuses.push(status);
    for (const { authorization } of upstream.seen(id)) {
      const key = String(authorization).replace('Bearer ', '');
      used.set(key, (used.get(key) ?? 0) + 1);
    }
  }
  return { used: KEYS.map((key) => used.get(key) ?? 0), statuses: [...new Set(statuses)] };
}

describe('the keys of a provider', () => {
  it('take turns, and are left out one by one once they are refused, while the others serve', async () => {
    const all = await send(6);
    upstream.refuse('key-two');
    const two = await send(6);
    upstream.refuse('key-one');
    const last = await send(6);

    expect(all).toEqual({ used: [2, 2, 2], statuses: [200] });
    expect([two.used[1], two.statuses]).toEqual([1, [200]]);
    expect(two.used[0]! + two.used[2]!).toBe(6);
    expect(last).toEqual({ used: [1, 0, 6], statuses: [200] });
  });

  it('cost nobody an answer when two of three are refused at once', async () => {
    upstream.refuse('bad-1');
    upstream.refuse('bad-2');

    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push(await callGateway(gateway.baseUrl, 'trio/f:ok:trio'));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const used = answers.flatMap(({ id }) => upstream.seen(id).map(({ authorization }) => authorization));
    expect(used.filter((key) => key !== 'Bearer good-1').toSorted()).toEqual(['Bearer bad-1', 'Bearer bad-2']);
  });

  it('that are all refused are our own matter: no client sees a 401', async () => {
    upstream.refuse('key-three');

    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await callGateway(gateway.baseUrl, 'team/f:ok:keys'));

    for (const { status, body } of answers) {
      expect([502, 503]).toContain(status);
      expect(openAiError(body)?.code).toMatch(/^upstream_(auth_failed|unavailable)$/);
      expect(body.toString('utf8')).not.toMatch(/UPSTREAMSECRET|key-/);
    }
  });
});
