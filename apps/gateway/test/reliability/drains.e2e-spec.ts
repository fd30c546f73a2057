import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream, type SeenCall } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, newId, type CallOptions } from '../../../../tools/reliability/http-call.js';
import { quantile } from '../../../../tools/reliability/in-parallel.js';
import { receiptOfCall } from '../../../../tools/reliability/read-receipts.js';

const DRAIN_MS = 4_000;
/** Eleven events, 60 ms apart. */
const STREAM = 'f:s_slow:60';
/** What the fault upstream says of each answer: 11 tokens in, 7 out, a dollar for a million of either. */
const USAGE_USD = '0.000018';
const KINDS = ['openrouter', 'ark', 'openai', 'openai-compatible'];

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  const models = [STREAM, 'f:s_stall', 'f:slow:600'];
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      phaseTimeoutMs: 20_000,
      totalTimeoutMs: 60_000,
      reliability: `drain_ms: ${DRAIN_MS}`,
      providers: KINDS.map(
        (kind) => `  x-${kind}: { kind: ${kind}, base_url: "${upstream.baseUrl}", api_key: k }`,
      ).join('\n'),
    }),
    prices: KINDS.flatMap((kind) =>
      models.map(
        (model) =>
          `- { provider: x-${kind}, model: "${model}", currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 1, input_cache_read: 1, output_text: 1, output_reasoning: 1 } }`,
      ),
    ).join('\n'),
  });
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The call upstream after it has ended in either way. */
async function endOf(id: string): Promise<SeenCall> {
  const deadline = performance.now() + 4 * DRAIN_MS;
  for (;;) {
    const [call] = upstream.seen(id);
    if (call !== undefined && (call.finished || call.closedMs !== null)) return call;
    if (performance.now() > deadline) throw new Error('the call upstream is still open');
    await sleep(10);
  }
}

async function leave(model: string, options: CallOptions) {
  const asked = newId();
  const { id, leftAtMs } = await callGateway(gateway.baseUrl, model, {
    ...options,
    id: asked,
    headers: { 'x-nextmodel-tags': `call=${asked}` },
  });
  const call = await endOf(id);
  return {
    call,
    receipt: await receiptOfCall(gateway, id),
    closedAfterMs: call.closedMs === null ? Infinity : call.atMs + call.closedMs - (leftAtMs ?? 0),
  };
}

describe('a provider that bills in any case', () => {
  it.each([
    ['openrouter', 'a stream that has begun', STREAM, { stream: true, leaveAtFirstByte: true }],
    ['ark', 'a stream that has begun', STREAM, { stream: true, leaveAtFirstByte: true }],
    ['openrouter', 'an answer that has not', 'f:slow:600', { leaveAfterMs: 200 }],
    ['ark', 'an answer that has not', 'f:slow:600', { leaveAfterMs: 200 }],
  ] as const)('(%s) is read to the end of %s, and the receipt has its usage', async (kind, _what, model, options) => {
    const { call, receipt } = await leave(`x-${kind}/${model}`, options);

    expect([call.finished, call.closedMs, upstream.seen(call.id).length]).toEqual([true, null, 1]);
    // The key of the request pays what the provider billed, for nothing.
    expect(receipt).toMatchObject({
      status: 'aborted',
      http_status: 499,
      cost_usd: USAGE_USD,
      cost_status: 'exact',
      wasted_usd: USAGE_USD,
      attempts: [{ status: 'aborted', moved_on: 'client_closed', billed: 'yes', usage_source: 'provider' }],
    });
    expect(receipt.api_key_id).not.toBe('');
  });

  it.each(['openrouter', 'ark'])('(%s) is not read for longer than drain_ms', async (kind) => {
    const { receipt, closedAfterMs } = await leave(`x-${kind}/f:s_stall`, { stream: true, leaveAtFirstByte: true });

    expect(closedAfterMs).toBeGreaterThan(DRAIN_MS - 500);
    expect(closedAfterMs).toBeLessThan(3 * DRAIN_MS);
    expect(receipt).toMatchObject({
      status: 'aborted',
      cost_status: 'estimated',
      attempts: [{ moved_on: 'client_closed', billed: 'unknown', usage_source: 'estimated' }],
    });
  });
});

describe('any other provider', () => {
  it('that had said nothing may have billed: zero is what is known, and it says so', async () => {
    const { call, receipt } = await leave('x-openai/f:slow:600', { leaveAfterMs: 200 });

    expect(call.finished).toBe(false);
    expect(receipt).toMatchObject({
      status: 'aborted',
      cost_usd: '0',
      cost_status: 'estimated',
      attempts: [{ moved_on: 'client_closed', billed: 'unknown', usage_source: 'none' }],
    });
  });

  it.each(['openai', 'openai-compatible'])('(%s) is closed at once, and the usage is an estimate', async (kind) => {
    const all = [];
    for (let tries = 0; tries < 3; tries += 1) {
      all.push(await leave(`x-${kind}/${STREAM}`, { stream: true, leaveAtFirstByte: true }));
    }

    expect(all.map(({ call }) => call.finished)).toEqual([false, false, false]);
    expect(
      quantile(
        all.map(({ closedAfterMs }) => closedAfterMs),
        0.5,
      ),
    ).toBeLessThanOrEqual(250);
    expect(all[0]?.receipt).toMatchObject({
      status: 'aborted',
      cost_status: 'estimated',
      attempts: [{ moved_on: 'client_closed', billed: 'unknown', usage_source: 'estimated' }],
    });
  });
});
