import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { Meters } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import { adjustedRecord, ArrayLog, sealedRecord } from '../../../libs/receipts/src/__fixtures__/array-log.js';
import { estimateAnswerMeters } from '../../../libs/dispatch/src/domain/estimated-usage.js';
import { trustUsage } from '../../../libs/dispatch/src/domain/trusted-usage.js';
import { readCompletion } from '#openai-wire/domain/read-completion.js';
import { SseParser } from '#openai-wire/domain/sse-parser.js';
import { readStreamData } from '#openai-wire/domain/stream-reading.js';
import type { UsageReading } from '#openai-wire/domain/usage-reading.js';
import { usageJson } from '#openai-wire/domain/usage-view.js';
import { loadPriceBook } from '#pricing/pricing.module.js';
import type { PriceBook, PriceQuestion } from '#pricing/ports/price-book.js';
import { createProviderRegistry } from '#providers/providers.module.js';
import { sealReceipt } from '#receipts/domain/seal-receipt.js';
import { createMemoryReceiptStore } from '#receipts/receipts.module.js';
import { createReceiptIngest } from '#receipts/usecases/ingest-receipts.js';
import { recoverDangling } from '#receipts/usecases/recover-dangling.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { decodeEvent, encodeEvent } from '#events/domain/event-codec.js';

/**
 * The seventeen ways in which users of gateways report wrong costs, each with what was recorded of a provider, through
 * all that makes a number of ours: reading of usage, price, receipt.
 */
const PRICES = `
- { provider: openai, model: m, usd_per_million: { input_uncached: 2, input_cache_read: 0.5, output_text: 8 } }
- { provider: anthropic, model: m, usd_per_million: { input_uncached: 3, input_cache_read: 0.3, input_cache_write_5m: 3.75, input_cache_write_1h: 6, output_text: 15 } }
- { provider: openrouter, model: m, usd_per_million: { input_uncached: 1.25, output_text: 10 } }
- { provider: openai, model: audio, usd_per_million: { input_uncached: 2.5, input_audio: 40, input_image: 5, output_text: 10, output_audio: 80 } }
- { provider: openai, model: long, usd_per_million: { input_uncached: 1, input_cache_read: 0.1, output_text: 10 }, tiers: [ { when: { prompt_tokens: { op: ">", n: 200000 } }, usd_per_million: { input_uncached: 2, input_cache_read: 0.2, output_text: 15 } } ] }
- { provider: openai, model: long-from, usd_per_million: { input_uncached: 1, input_cache_read: 0.1, output_text: 10 }, tiers: [ { when: { prompt_tokens: { op: ">=", n: 200000 } }, usd_per_million: { input_uncached: 2, input_cache_read: 0.2, output_text: 15 } } ] }
- { provider: openai, model: tiers, usd_per_million: { input_uncached: 2, output_text: 8 }, service_tiers: { flex: { usd_per_million: { input_uncached: 1, output_text: 4 } }, priority: { usd_per_million: { input_uncached: 4, output_text: 16 } } } }
- { provider: ark, model: m, currency: CNY, fx_usd_per_unit: 0.14, fx_date: 2026-08-26, per_million: { input_uncached: 0.8, input_cache_read: 0.16, output_text: 8 } }
- { provider: openai, model: gift, usd_per_million: { input_uncached: 0, output_text: 0 } }
`;
const AT_MS = Date.UTC(2026, 10, 24);
const registry = createProviderRegistry(
  Object.fromEntries(
    ['openai', 'anthropic', 'openrouter', 'ark'].map((kind) => [
      kind,
      { kind, baseUrl: null, apiKeys: [], models: [] },
    ]),
  ),
);
const book = bookOf(PRICES);

describe('the seventeen cost bugs', () => {
  it('1: cached tokens are charged once and at their own rate, in the words of OpenAI and of Anthropic', () => {
    const openAi = attempt('openai', 'm', recorded('openai'));
    const anthropic = attempt('anthropic', 'm', {
      input_tokens: 100,
      cache_read_input_tokens: 900,
      cache_creation_input_tokens: 50,
      output_tokens: 10,
    });

    expect(openAi.meters).toEqual({
      input_uncached: 184,
      input_cache_read: 1024,
      output_text: 86,
      output_reasoning: 128,
    });
    expect(openAi.costPicoUsd).toBe(String(184 * 2e6 + 1024 * 5e5 + 214 * 8e6));
    expect(anthropic.costPicoUsd).toBe(String(100 * 3e6 + 900 * 3e5 + 50 * 3.75e6 + 10 * 15e6));
    expect(usageOfReceipt(seal([anthropic]))).toMatchObject({
      prompt_tokens: 1050,
      prompt_tokens_details: { cached_tokens: 900, cache_write_tokens: 50 },
    });
  });

  it.each(['openai', 'anthropic', 'openrouter', 'ark'])('2: a stream of %s costs what its body costs', (kind) => {
    const whole = attempt(kind, 'm', recorded(kind));
    const streamed = attempt(kind, 'm', recordedStream(kind));

    expect(streamed.meters).toEqual(whole.meters);
    expect(streamed.lines).toEqual(whole.lines);
    expect(BigInt(streamed.costPicoUsd ?? '0')).toBeGreaterThan(0n);
  });

  it.each(['openai', 'anthropic', 'openrouter', 'ark'])('3: every stream of %s is asked for its usage', (kind) => {
    const body = { model: 'm', messages: [], stream: true, stream_options: { include_usage: false } };

    const sent = adapterOf(kind).toUpstream({ api: 'chat.completions', body, model: 'm' });

    expect(JSON.parse(sent.body)).toMatchObject({ stream_options: { include_usage: true } });
  });

  it('4: a client that leaves has a receipt, estimated from what it was given', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(400) }], stream: true };
    const left = attempt('openai', 'm', null, {
      status: 'aborted',
      billed: 'unknown',
      meters: estimateAnswerMeters(body, 80),
      usageSource: 'estimated',
    });

    const receipt = seal([left], { status: 'aborted', httpStatus: 499 });

    expect(left.meters).toEqual({ input_uncached: 107, output_text: 20 });
    expect(receipt).toMatchObject({ status: 'aborted', costStatus: 'estimated', usageSource: 'estimated' });
    expect(receipt.costPicoUsd).toBe(String(107 * 2e6 + 20 * 8e6));
  });

  it('5: an explicit zero is a number, what is missing is none', () => {
    const zero = read('openai', { prompt_tokens: 12, completion_tokens: 0, total_tokens: 12 });
    const missing = read('openai', undefined);

    expect(zero).toMatchObject({ meters: { input_uncached: 12, output_text: 0 }, flags: [] });
    expect(missing).toMatchObject({ meters: {}, flags: ['missing'] });
    expect(attempt('openai', 'gift', recorded('openai'))).toMatchObject({ costStatus: 'free', costPicoUsd: '0' });
    expect(seal([attempt('openai', 'm', null, { usageSource: 'none' })]).costPicoUsd).toBeNull();
  });

  it('6: a stream that broke is never exact, whatever placeholder its usage had', () => {
    const placeholder = { prompt_tokens: 1000, completion_tokens: 1, total_tokens: 1001 };
    const body = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(4000) }], stream: true };
    const trusted = trustUsage(read('openai', placeholder), estimateAnswerMeters(body, 2000), false);
    const broken = attempt('openai', 'm', placeholder, { status: 'error', ...trusted });

    const receipt = seal([broken], { status: 'truncated' });

    expect(broken.meters).toEqual({ input_uncached: 1000, output_text: 500 });
    expect(receipt).toMatchObject({ costStatus: 'estimated', costPicoUsd: String(1000 * 2e6 + 500 * 8e6) });
    expect(receipt.attempts[0]?.usageFlags).toContain('incomplete_answer');
  });

  it('7: past the threshold the whole request has the long rate, and "from" is not "above"', () => {
    expect(costOf('long', 200_000)).toBe(String(199_000 * 1e6 + 1000 * 1e5 + 10 * 10e6));
    expect(costOf('long', 200_001)).toBe(String(199_001 * 2e6 + 1000 * 2e5 + 10 * 15e6));
    expect(costOf('long-from', 200_000)).toBe(String(199_000 * 2e6 + 1000 * 2e5 + 10 * 15e6));
  });

  it('8: the tier that was served is charged, not the one that was asked for; a refused flex costs nothing', () => {
    const served = (serviceTier: string | null): string | null =>
      attempt('openai', 'tiers', { prompt_tokens: 10, completion_tokens: 10 }, { serviceTier }).costPicoUsd;
    const refused = attempt('openai', 'tiers', null, {
      status: 'error',
      httpStatus: 429,
      serviceTier: 'flex',
      billed: adapterOf('openai').classify({ status: 429, headers: {}, bodyText: '' }, AT_MS).billed,
    });

    expect([served('flex'), served('default'), served('priority')]).toEqual(['50000000', '100000000', '200000000']);
    expect(refused.costPicoUsd).toBe('0');
    expect(attempt('openai', 'tiers', recorded('openai'), { serviceTier: 'batch' }).costStatus).toBe('estimated');
  });

  it('9: reasoning outside the output (Gemini, xAI) is added, inside it is not', () => {
    const outside = attempt('openai', 'm', {
      prompt_tokens: 10,
      completion_tokens: 20,
      total_tokens: 130,
      completion_tokens_details: { reasoning_tokens: 100 },
    });
    const inside = attempt('openai', 'm', {
      prompt_tokens: 10,
      completion_tokens: 120,
      total_tokens: 130,
      completion_tokens_details: { reasoning_tokens: 100 },
    });

    expect(outside.meters).toEqual({ input_uncached: 10, output_text: 20, output_reasoning: 100 });
    expect(outside.costPicoUsd).toBe(inside.costPicoUsd);
    expect(outside.usageFlags).toEqual(['reasoning_outside_completion']);
  });

  it('10: cache writes of five minutes and of an hour, audio and pictures have their own rates', () => {
    const writes = attempt('anthropic', 'm', {
      input_tokens: 1,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      output_tokens: 1,
    });
    const audio = attempt('openai', 'audio', {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { audio_tokens: 60, image_tokens: 30, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 40 },
    });

    expect(writes.meters).toMatchObject({ input_cache_write_5m: 100, input_cache_write_1h: 200, input_uncached: 1 });
    expect(writes.costPicoUsd).toBe(String(3e6 + 100 * 3.75e6 + 200 * 6e6 + 15e6));
    expect(audio.costPicoUsd).toBe(String(10 * 2.5e6 + 60 * 40e6 + 30 * 5e6 + 10 * 10e6 + 40 * 80e6));
  });

  it('11: an unknown model is unpriced, its sum is none, and it is never zero', () => {
    const receipt = seal([attempt('openai', 'nobody-knows', recorded('openai'))]);

    expect(receipt).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null });
    expect(receipt.meters.output_text).toBe(86);
    expect(usageOfReceipt(receipt)).toMatchObject({ cost: null });
  });

  it('12: each price has a hash whose text gives the same cost again', () => {
    const line = attempt('openai', 'm', recorded('openai'));
    const other = bookOf(PRICES.replace('input_uncached: 2, input_cache_read', 'input_uncached: 20, input_cache_read'));

    const record = JSON.parse(book.recordText(line.priceHash ?? '') ?? '{}') as { rates: Record<string, string> };

    expect(line.lines.filter(({ meter }) => meter !== 'output_reasoning').map(({ ratePico }) => ratePico)).toEqual([
      record.rates['input_uncached'],
      record.rates['input_cache_read'],
      record.rates['output_text'],
    ]);
    expect(attempt('openai', 'm', recorded('openai'), {}, other).priceHash).not.toBe(line.priceHash);
  });

  it('13: yuan stay yuan, with the rate and its day beside the dollars', () => {
    const line = attempt('ark', 'm', recorded('ark'));

    const native = 493 * 8e5 + 1024 * 1.6e5 + 402 * 8e6;
    expect(line).toMatchObject({
      currency: 'CNY',
      costNativePico: String(native),
      costPicoUsd: String((native * 14) / 100),
      fxRateNano: '140000000',
      fxDate: '2026-08-26',
    });
  });

  it('14: every attempt counts: refused ones as nothing, those that may have been billed as estimated', () => {
    const refused = attempt('openai', 'm', null, { status: 'error', httpStatus: 503, billed: 'no' });
    const timedOut = attempt('anthropic', 'm', null, { status: 'timeout', httpStatus: 0, billed: 'unknown', n: 2 });
    const lost = attempt('openai', 'm', { prompt_tokens: 10, completion_tokens: 0 }, { status: 'error', n: 3 });
    const served = attempt('openrouter', 'm', recorded('openrouter'), { n: 4 });

    const receipt = seal([refused, timedOut, lost, served]);

    expect(receipt.attempts.map(({ billed, costPicoUsd }) => [billed, costPicoUsd])).toEqual([
      ['no', '0'],
      ['unknown', '0'],
      ['yes', '20000000'],
      ['yes', served.costPicoUsd],
    ]);
    expect(receipt.costPicoUsd).toBe(String(20_000_000 + 42 * 1.25e6 + 318 * 10e6));
    expect(receipt).toMatchObject({ wastedPicoUsd: '20000000', costStatus: 'estimated' });
    expect(served.providerCostPicoUsd).toBe('3223500000');
  });

  it('15: a hit costs nothing but the call that found it, and says what it saved, apart', () => {
    const receipt = seal([], { avoidedPicoUsd: 2_500_000n });
    const asked = attempt('openai', 'm', { prompt_tokens: 8, total_tokens: 8 }, { kind: 'embedding' });
    const found = seal([asked], { avoidedPicoUsd: 2_500_000n });

    expect(receipt).toMatchObject({ costPicoUsd: '0', costStatus: 'free', avoidedPicoUsd: '2500000', attempts: [] });
    expect(found).toMatchObject({ costPicoUsd: '16000000', costStatus: 'exact', avoidedPicoUsd: '2500000' });
    expect(found).toMatchObject({ servedModel: null, wastedPicoUsd: '0' });
  });

  it('16: what a process had begun when it died has its receipt at the next start', async () => {
    const { writer, reader } = createMemoryLog();
    const started = { ...ACCEPTED, n: 1, kind: 'primary', provider: 'openai', model: 'm' } as const;
    const begun = { credentialId: 'openai/1', startedAt: ACCEPTED.acceptedAt };
    await writer.append([
      encodeEvent('nextmodel.request.accepted.v1', 'a', ACCEPTED.receiptId, ACCEPTED.acceptedAt, ACCEPTED),
      encodeEvent('nextmodel.attempt.started.v1', 's', ACCEPTED.receiptId, ACCEPTED.acceptedAt, {
        ...started,
        ...begun,
      }),
    ]).durable;

    const records = await recoverDangling(reader, 0, new Map(), '2026-11-24T00:00:05.000Z');

    const sealed = decodeEvent({ ...records.at(-1)!, value: Buffer.from(String(records.at(-1)?.value)) });
    expect(sealed).toMatchObject({
      event: { data: { status: 'unknown', costPicoUsd: null, attempts: [{ billed: 'unknown', status: 'unknown' }] } },
    });
  });

  it('17: what is delivered twice, or adjusted twice, is counted once', async () => {
    const log = new ArrayLog();
    const receipt = seal([attempt('openai', 'm', recorded('openai'))]);
    const delta = { receiptId: receipt.receiptId, tenantId: 't', seq: 1, adjustedAt: receipt.sealedAt };
    const adjusted = adjustedRecord({ ...delta, deltaPicoUsd: '7', reason: 'late_usage', evidence: '' });
    for (let time = 0; time < 10; time += 1) log.append(0, sealedRecord(receipt), adjusted);
    const [store, blind] = [createMemoryReceiptStore(), createMemoryReceiptStore()];
    const intents = { load: () => Promise.resolve(null), save: () => Promise.resolve() };
    const ingest = createReceiptIngest({ store, intents, deadLetter: () => Promise.resolve() });

    for (let time = 0; time < 3; time += 1) await ingest(log.batch(0, 0, 20));
    // Without the memory of what it took: a consumer that has just started, a record at a time.
    for (let at = 0; at < 20; at += 1) {
      await createReceiptIngest({ store: blind, intents, deadLetter: () => Promise.resolve() })(
        log.batch(0, at, at + 1),
      );
    }

    const once = { receipts: 1n, attempts: 1n, adjustments: 1n, costUsd: '0.002592' };
    expect([await store.sums(), await blind.sums()]).toMatchObject([once, once]);
  });
});

function bookOf(yaml: string): PriceBook {
  const file = join(mkdtempSync(join(tmpdir(), 'nextmodel-cost-bugs-')), 'prices.yaml');
  writeFileSync(file, yaml);
  const loaded = loadPriceBook({ files: [file], nowMs: AT_MS });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.book;
}

const adapterOf = (kind: string): NonNullable<ReturnType<typeof registry.get>>['adapter'] =>
  registry.get(kind)!.adapter;
const read = (kind: string, usage: unknown): UsageReading => adapterOf(kind).readUsage(usage);
const fixture = (kind: string, name: string): string =>
  readFileSync(new URL(`../../../libs/providers/src/__fixtures__/${kind}/${name}`, import.meta.url), 'utf8');

function recorded(kind: string): unknown {
  const whole = readCompletion(fixture(kind, 'chat.json'));
  return whole.ok ? whole.usage : null;
}

function recordedStream(kind: string): unknown {
  const items = new SseParser().push(new TextEncoder().encode(fixture(kind, 'chat-stream.sse')));
  const readings = items.flatMap((item) => (item.kind === 'data' ? [readStreamData(item.data)] : []));
  return readings.findLast(({ usage }) => usage !== null)?.usage ?? null;
}

const longUsage = (prompt: number): object => ({
  prompt_tokens: prompt,
  completion_tokens: 10,
  prompt_tokens_details: { cached_tokens: 1000 },
});

const costOf = (model: string, prompt: number): string | null =>
  attempt('openai', model, longUsage(prompt)).costPicoUsd;

type Given = Partial<Omit<AttemptLine, 'meters'>> & { readonly meters?: Meters };

function attempt(kind: string, model: string, usage: unknown, given: Given = {}, prices = book): AttemptLine {
  const reading = usage === null ? null : read(kind, usage);
  const question: PriceQuestion = {
    provider: kind,
    providerKind: kind,
    model,
    tenantId: 't',
    atMs: AT_MS,
    meters: given.meters ?? reading?.meters ?? {},
    serviceTier: given.serviceTier ?? null,
    usageSource: given.usageSource ?? (reading === null ? 'none' : 'provider'),
    billed: given.billed ?? 'yes',
    providerCostPicoUsd: reading?.providerCostPicoUsd ?? null,
  };
  return {
    n: 1,
    kind: 'primary',
    provider: kind,
    model,
    credentialId: `${kind}/1`,
    providerRequestId: null,
    status: 'ok',
    httpStatus: 200,
    errorCode: null,
    movedOn: null,
    startedAt: ACCEPTED.acceptedAt,
    latencyMs: 1,
    timeToFirstTokenMs: null,
    usageFlags: reading?.flags ?? [],
    usageRaw: reading?.raw ?? null,
    ...given,
    ...pick(question),
    ...prices.price(question),
  };
}
const pick = ({ serviceTier, billed, meters, usageSource, providerCostPicoUsd }: PriceQuestion) => ({
  serviceTier,
  billed,
  meters,
  usageSource,
  providerCostPicoUsd,
});

const ACCEPTED: RequestAccepted = {
  receiptId: '01a20df8-dc48-7934-84e9-bb26943a479d',
  tenantId: 't',
  projectId: 'p',
  apiKeyId: 'k',
  userId: '',
  traceId: '0'.repeat(32),
  environment: 'default',
  tags: {},
  acceptedAt: '2026-11-24T00:00:00.000Z',
  api: 'chat.completions',
  streamed: false,
  requestedModel: 'm',
  requestCommitment: '0'.repeat(64),
  cache: { result: 'miss', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: null },
  route: { policyHash: '', rule: null, reason: 'declared_model', task: null, baselineModel: null },
  decision: null,
};

function seal(
  attempts: readonly AttemptLine[],
  how: { status?: Receipt['status']; httpStatus?: number; avoidedPicoUsd?: bigint } = {},
): Receipt {
  return sealReceipt({
    accepted: ACCEPTED,
    attempts,
    response: {
      receiptId: ACCEPTED.receiptId,
      status: how.status ?? 'ok',
      httpStatus: how.httpStatus ?? 200,
      finishReason: null,
      streamComplete: null,
      latencyMs: 1,
      responseCommitment: null,
    },
    errorCode: null,
    sealedAt: '2026-11-24T00:00:01.000Z',
    timeToFirstTokenMs: null,
    overheadUs: 0,
    baselinePicoUsd: null,
    avoidedPicoUsd: how.avoidedPicoUsd ?? 0n,
  });
}

function usageOfReceipt({ meters, costPicoUsd, costStatus }: Receipt): unknown {
  const cost = { costPicoUsd, costStatus, currency: 'USD', costNativePico: costPicoUsd, avoidedPicoUsd: null };
  return JSON.parse(usageJson(meters, cost));
}
