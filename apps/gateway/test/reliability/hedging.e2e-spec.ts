import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANSWER_TEXT } from '../../../../libs/dispatch/src/__fixtures__/wire-samples.js';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream, type SeenCall } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, readStream, type CallResult } from '../../../../tools/reliability/http-call.js';
import { inParallel, quantile } from '../../../../tools/reliability/in-parallel.js';
import { receiptOf } from '../../../../tools/reliability/read-receipts.js';

/** What the first target usually takes: the hedge waits at least as long. */
const USUAL_MS = 40;
const WARM_UP = 40;
const SHARE = 0.1;

let upstream: FaultUpstream;
let gateway: GatewayProcess;

const alias = (name: string, first: string, hedge = ''): string =>
  `  ${name}: { targets: [ { provider: a, model: "f:slow:${USUAL_MS}:${first}" }, { provider: b, model: "f:ok:second" } ]${hedge} }`;
const hedge = (share: number): string => `, hedge: { after_percentile: 90, max_share: ${share} }`;
const slow = (first: string, how: string | null): void => upstream.become(`f:slow:${USUAL_MS}:${first}`, how);
const modelsOf = (calls: readonly SeenCall[]): string[] => calls.map(({ model }) => model);

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      phaseTimeoutMs: 20_000,
      totalTimeoutMs: 60_000,
      providers: ['a', 'b']
        .map((name) => `  ${name}: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: key-${name} }`)
        .join('\n'),
      models: [
        alias('off', 'off'),
        alias('json', 'json', hedge(0.5)),
        alias('streamed', 'streamed', hedge(0.5)),
        alias('capped', 'capped', hedge(SHARE)),
      ].join('\n'),
    }),
  });
  // Nobody knows what is slow before twenty answers. Some of these are hedged themselves, which costs of the share.
  const known = ['off', 'json', 'streamed', 'capped'].flatMap((model) => Array.from({ length: WARM_UP }, () => model));
  await inParallel(known.length, 4, async (n) => {
    await callGateway(gateway.baseUrl, known[n] ?? '', { stream: known[n] === 'streamed' });
  });
}, 90_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => {
  for (const first of ['off', 'json', 'streamed', 'capped']) slow(first, null);
});

/** Sends one that is hedged; says when the second call came, and how long after it the loser was closed. */
async function hedged(model: string, stream: boolean) {
  const askedAtMs = Date.now();
  const result = await callGateway(gateway.baseUrl, model, { stream });
  const receipt = await receiptOf(gateway, String(result.headers['x-nextmodel-receipt-id']));
  const [first, second] = upstream.seen(result.id);
  if (first === undefined || second === undefined) throw new Error(`${upstream.seen(result.id).length} calls`);
  return {
    result,
    receipt,
    delayMs: second.atMs - askedAtMs,
    loserClosedMs: first.closedMs === null ? Infinity : first.atMs + first.closedMs - second.atMs,
  };
}
const textOf = ({ body }: CallResult): string =>
  (JSON.parse(body.toString('utf8')) as { choices: { message: { content: string } }[] }).choices[0]?.message.content ??
  '';

describe('hedging', () => {
  it('is off by default: a slow call is waited for, and is the only one', async () => {
    slow('off', 'slow:600');

    const result = await callGateway(gateway.baseUrl, 'off');

    expect([result.status, modelsOf(upstream.seen(result.id))]).toEqual([200, [`f:slow:${USUAL_MS}:off`]]);
  });

  it.each([
    ['json', false],
    ['streamed', true],
  ])(
    'calls the next target after the usual time, aborts the loser at once and bills both (%s)',
    async (model, stream) => {
      // Streams begin with a role, which is no content: the second call may still win.
      slow(model, stream ? 's_slow:15000' : 'slow:15000');

      const all = [await hedged(model, stream), await hedged(model, stream), await hedged(model, stream)];

      for (const { result, receipt, delayMs } of all) {
        const { text, doneCount } = stream ? readStream(result.body) : { text: textOf(result), doneCount: 1 };
        expect([result.status, text, doneCount]).toEqual([200, ANSWER_TEXT, 1]);
        expect([result.headers['x-nextmodel-provider'], receipt.status]).toEqual(['b', 'ok']);
        expect(receipt.attempts).toMatchObject([
          { n: 1, kind: 'primary', provider: 'a', status: 'aborted', moved_on: 'hedge_lost', billed: 'unknown' },
          { n: 2, kind: 'hedge', provider: 'b', status: 'ok', moved_on: null, billed: 'yes', usage_source: 'provider' },
        ]);
        expect(delayMs).toBeGreaterThanOrEqual(USUAL_MS - 5);
      }
      expect(
        quantile(
          all.map(({ loserClosedMs }) => loserClosedMs),
          0.5,
        ),
      ).toBeLessThanOrEqual(250);
    },
  );

  it('does not begin once content is there, however slow the rest is', async () => {
    slow('streamed', 's_pause:800');

    const result = await callGateway(gateway.baseUrl, 'streamed', { stream: true });

    expect(readStream(result.body)).toMatchObject({ text: ANSWER_TEXT, doneCount: 1 });
    expect(upstream.seen(result.id)).toHaveLength(1);
  });

  it('stays below its share', async () => {
    slow('capped', 'slow:500');
    const slowOnes = 40;

    const results = await Promise.all(Array.from({ length: slowOnes }, () => callGateway(gateway.baseUrl, 'capped')));

    const second = results.filter(({ id }) => upstream.seen(id).length > 1).length;
    expect(results.filter(({ status }) => status !== 200)).toEqual([]);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual((WARM_UP + slowOnes) * SHARE);
  });
});
