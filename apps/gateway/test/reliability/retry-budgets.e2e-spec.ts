import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { ADMIN_TOKEN, startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway } from '../../../../tools/reliability/http-call.js';
import { inParallel } from '../../../../tools/reliability/in-parallel.js';

/** A fifth of a provider's requests in ten seconds, and thirty in any case. */
const PROVIDER = { share: 0.2, floor: 30, windowMs: 10_000 };
/** A tenth of a key's requests in two minutes, and a hundred and twenty in any case. */
const KEY_FLOOR = 120;
const PROVIDERS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'busy', 'lonely'];

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      providers: [...PROVIDERS, 'well']
        .map((name) => `  ${name}: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: key-${name} }`)
        .join('\n'),
      // A conflict is no breaker's business, so that nothing but the budgets bounds the extra calls.
      models: PROVIDERS.map((name) => {
        const beside = name === 'lonely' ? '' : ', { provider: well, model: "f:ok:beside" }';
        return `  ${name}: { targets: [ { provider: ${name}, model: "f:409:${name}" }${beside} ] }`;
      }).join('\n'),
    }),
  });
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function newKey(name: string): Promise<string> {
  const answer = await fetch(`${gateway.origin}/admin/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  return ((await answer.json()) as { key: string }).key;
}

/** Sends `count` requests, eight at a time, and counts their calls upstream. */
async function send(model: string, key: string, count: number) {
  const began = performance.now();
  const statuses = new Map<number, number>();
  let calls = 0;
  await inParallel(count, 8, async () => {
    const { id, status } = await callGateway(gateway.baseUrl, model, { key });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    calls += upstream.seen(id).length;
  });
  // On a slow machine old ones leave the window meanwhile, and as many new ones fit in.
  const windows = 1 + Math.floor((performance.now() - began) / PROVIDER.windowMs);
  return { statuses, extra: calls - count, extraMax: Math.max(PROVIDER.floor * windows, count * PROVIDER.share) };
}

describe('the budget for extra calls', () => {
  it('of a provider that always fails bounds what goes elsewhere by a fifth of its requests', async () => {
    const key = await newKey('busy');

    const { statuses, extra, extraMax } = await send('busy', key, 400);

    expect(extra).toBeGreaterThanOrEqual(PROVIDER.floor);
    expect(extra).toBeLessThanOrEqual(extraMax);
    expect([...statuses.keys()].toSorted()).toEqual([200, 409]);
    expect(statuses.get(200)).toBe(extra);
  });

  it('of a provider without another target bounds what is tried there again', async () => {
    const key = await newKey('lonely');

    const { statuses, extra, extraMax } = await send('lonely', key, 200);

    expect(extra).toBeGreaterThanOrEqual(PROVIDER.floor);
    expect(extra).toBeLessThanOrEqual(extraMax);
    expect([...statuses.keys()]).toEqual([409]);
  });

  it('of a key holds over all providers, and leaves that of other keys alone', async () => {
    const [greedy, other] = await Promise.all([newKey('greedy'), newKey('other')]);
    let extra = 0;
    for (const model of ['p1', 'p2', 'p3', 'p4', 'p5', 'p6']) extra += (await send(model, greedy, 60)).extra;

    const late = await send('p7', greedy, 10);
    const unhurt = await send('p7', other, 10);

    expect(extra + late.extra).toBe(KEY_FLOOR);
    expect(late.statuses).toEqual(new Map([[409, 10]]));
    expect(unhurt.statuses).toEqual(new Map([[200, 10]]));
  });
});
