import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '#config/config.module.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { createRouter, replan } from '#routing/routing.module.js';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway } from '../../../../tools/reliability/http-call.js';
import { explanationOf } from '../../../../tools/reliability/read-receipts.js';

interface Explanation {
  readonly id: string;
  readonly served_by: { readonly provider: string; readonly model: string };
  readonly candidates: readonly {
    readonly provider: string;
    readonly rank: number | null;
    readonly reason: string;
    readonly measured?: { readonly by: string; readonly value: number | null };
  }[];
  readonly decision: Readonly<Record<string, unknown>>;
}

let upstream: FaultUpstream;
let gateway: GatewayProcess;

const alias = (name: string, strategy: string, ...targets: readonly string[]): string =>
  `  ${name}: { strategy: ${strategy}, targets: [ ${targets.join(', ')} ] }`;
const at = (provider: string, model: string, more = ''): string =>
  `{ provider: ${provider}, model: "${model}"${more} }`;
const price = (provider: string, model: string, usd: number): string =>
  `- { provider: ${provider}, model: "${model}", currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: ${usd}, output_text: ${usd} } }`;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      providers: ['a', 'b', 'c']
        .map((name) => `  ${name}: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: key-${name} }`)
        .join('\n'),
      models: [
        alias('ordered', 'order', at('a', 'f:500'), at('b', 'f:ok:1'), at('c', 'f:ok:1')),
        alias('last-is-dead', 'order', at('b', 'f:ok:1'), at('a', 'f:500')),
        alias('dead', 'order', at('a', 'f:500')),
        alias('limited', 'order', at('c', 'f:429:ra3600'), at('b', 'f:ok:1')),
        alias('quick', 'latency', at('a', 'f:slow:400'), at('b', 'f:ok:2'), at('c', 'f:ok:2')),
        alias('thrifty', 'price', at('a', 'f:ok:3'), at('b', 'f:ok:3'), at('c', 'f:ok:3')),
        alias('drawn', 'weighted', at('a', 'f:ok:4', ', weight: 2'), at('b', 'f:ok:4'), at('c', 'f:ok:4')),
      ].join('\n'),
    }),
    prices: [price('a', 'f:ok:3', 3), price('b', 'f:ok:3', 1), price('c', 'f:ok:3', 2)].join('\n'),
  });
  for (let i = 0; i < 6; i += 1) await callGateway(gateway.baseUrl, 'ordered');
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function explained(model: string, wishes: Readonly<Record<string, unknown>> = {}): Promise<Explanation> {
  const { headers } = await callGateway(gateway.baseUrl, model, { extra: wishes });
  return explanationOf<Explanation>(gateway, String(headers['x-nextmodel-receipt-id']));
}
/** A slow machine may be past the few seconds that a breaker is open at first; each failed probe doubles them. */
async function breakerStaysOpen(): Promise<void> {
  for (let tries = 0; tries < 8; tries += 1) {
    const report = (await (await fetch(`${gateway.origin}/readyz`)).json()) as {
      breakers: readonly { readonly target: string; readonly state: string; readonly open_for_ms: number }[];
    };
    const breaker = report.breakers.find(({ target }) => target.startsWith('a/f:500'));
    if (breaker?.state === 'open' && breaker.open_for_ms > 2_000) return;
    await sleep(breaker?.open_for_ms ?? 0);
    await callGateway(gateway.baseUrl, 'dead');
  }
  throw new Error('the breaker does not stay open');
}
const placesOf = ({ candidates }: Explanation) =>
  candidates.map(({ provider, rank, reason }) => [provider, rank, reason]);

describe('a breaker that is open', () => {
  it('shows in /metrics and in /readyz, which says ready all the same', async () => {
    const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
    const readiness = await fetch(`${gateway.origin}/readyz`);
    const report = (await readiness.json()) as { status: string; breakers: readonly Record<string, unknown>[] };

    expect(metrics).toMatch(/^nextmodel_breaker_state\{target="a\/f:500 a\/1"\} [12]$/m);
    expect(metrics).toMatch(/^nextmodel_breaker_state\{target="b\/f:ok:1 b\/1"\} 0$/m);
    expect([readiness.status, report.status]).toEqual([200, 'ready']);
    expect(report.breakers).toEqual([
      {
        target: 'a/f:500 a/1',
        state: expect.stringMatching(/open/) as string,
        open_for_ms: expect.any(Number) as number,
      },
    ]);
  });

  it('is the reason in the explanation of who was served elsewhere', async () => {
    await breakerStaysOpen();

    expect(placesOf(await explained('ordered'))).toEqual([
      ['a', null, 'excluded:breaker_open'],
      ['b', 0, 'next'],
      ['c', 1, 'next'],
    ]);
    expect(placesOf(await explained('last-is-dead'))).toEqual([
      ['b', 0, 'first'],
      ['a', null, 'excluded:breaker_open'],
    ]);
  });

  it('is told apart from a rate limit', async () => {
    await callGateway(gateway.baseUrl, 'limited');

    expect(placesOf(await explained('limited'))).toEqual([
      ['c', null, 'excluded:rate_limited'],
      ['b', 0, 'next'],
    ]);
  });
});

describe('the scores of a strategy', () => {
  it('are numbers in the explanation, of every candidate that has been measured', async () => {
    for (const model of ['a/f:slow:400', 'b/f:ok:2', 'c/f:ok:2']) await callGateway(gateway.baseUrl, model);

    const quick = (await explained('quick')).candidates;
    const thrifty = (await explained('thrifty', { provider: { ignore: ['a'] } })).candidates;

    expect(quick.map(({ measured }) => measured)).toEqual(
      Array.from({ length: 3 }, () => ({ by: 'latency', value: expect.any(Number) as number })),
    );
    const values = quick.map(({ measured }) => Number(measured?.value));
    expect(values).toEqual(values.toSorted((x, y) => x - y));
    expect(quick.at(-1)?.provider).toBe('a');
    // Microdollars of a thousand tokens in and three hundred out, of excluded ones too.
    expect(thrifty.map(({ provider, reason, measured }) => [provider, reason, measured])).toEqual([
      ['b', 'price_rank', { by: 'price', value: 1_300 }],
      ['c', 'price_rank', { by: 'price', value: 2_600 }],
      ['a', 'excluded:ignored_by_client', { by: 'price', value: 3_900 }],
    ]);
  });
});

describe('a decision', () => {
  it.each(['ordered', 'last-is-dead', 'limited', 'quick', 'thrifty', 'drawn'])(
    'for %s is made again from its explanation and the policy of its hash, with the same choice',
    async (model) => {
      await breakerStaysOpen();
      const explanation = await explained(model);
      const recorded = camelCase(explanation.decision) as RoutePlan;
      const loaded = loadSettings({ env: {}, cwd: gateway.directory });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      const providerNames = Object.keys(loaded.settings.providers);
      const policy = createRouter({ settings: loaded.settings, providerNames });

      const again = replan(
        {
          requestedModel: recorded.requestedModel,
          header: () => undefined,
          promptText: () => '',
          allowedModels: [],
          fallbackModels: [],
          seed: explanation.id.replace('rcpt_', ''),
        },
        policy.policyText,
        { recorded: recorded.candidates },
      );

      expect(policy.policyHash).toBe(recorded.policyHash);
      expect(JSON.parse(JSON.stringify(again))).toEqual(recorded);
      expect(again.targets[0]).toEqual(explanation.served_by);
    },
  );
});

function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
      camelCase(inner),
    ]),
  );
}
