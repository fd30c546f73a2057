import { createHash } from 'node:crypto';
import type { AttemptLine, MeterLine } from '#events/domain/attempt.js';
import type { Meter, Meters } from '#events/domain/meters.js';
import type { CacheResult, Receipt, ReceiptStatus } from '#events/domain/receipt.js';
import { divideHalfEven } from '#pricing/domain/exact-decimal.js';
import { priceRecordText } from '#pricing/domain/price-record.js';
import { variedReceipt } from './varied-receipt.js';

/** Rates in picodollars per token (dollars per million × 10^6); illustrative. */
const MODELS = [
  { provider: 'openai', model: 'gpt-5', in: 1_250_000n, cached: 125_000n, out: 10_000_000n, currency: 'USD' },
  { provider: 'openai', model: 'gpt-5-mini', in: 250_000n, cached: 25_000n, out: 2_000_000n, currency: 'USD' },
  { provider: 'openai', model: 'gpt-5-nano', in: 50_000n, cached: 5_000n, out: 400_000n, currency: 'USD' },
  { provider: 'anthropic', model: 'claude-sonnet-4-5', in: 3_000_000n, cached: 300_000n, out: 15_000_000n, currency: 'USD' },
  { provider: 'anthropic', model: 'claude-haiku-4-5', in: 1_000_000n, cached: 100_000n, out: 5_000_000n, currency: 'USD' },
  { provider: 'openrouter', model: 'qwen/qwen3-235b', in: 130_000n, cached: 130_000n, out: 600_000n, currency: 'USD' },
  { provider: 'openrouter', model: 'deepseek/deepseek-v3.2', in: 270_000n, cached: 70_000n, out: 400_000n, currency: 'USD' },
  { provider: 'ark', model: 'doubao-seed-1-6', in: 800_000n, cached: 160_000n, out: 8_000_000n, currency: 'CNY' },
  { provider: 'local', model: 'llama-4-8b', in: null, cached: null, out: null, currency: 'USD' },
] as const;
const CNY_NANO = 148_434_000n;

/** The price records behind the generated costs, as texts. */
export const GENERATED_PRICES: readonly string[] = MODELS.filter((one) => one.in !== null).map(priceText);
const PRICE_HASHES = new Map<Model, string>(
  MODELS.filter((one) => one.in !== null).map((one) => [one, createHash('sha256').update(priceText(one)).digest('hex')]),
);

function priceText(one: Model): string {
  return priceRecordText({
    priceId: `${one.provider}/${one.model}`,
    provider: one.provider,
    model: one.model,
    tenantId: null,
    currency: one.currency,
    validFrom: null,
    validTo: null,
    daily: null,
    source: 'generated',
    rates: { input_uncached: String(one.in), input_cache_read: String(one.cached), output_text: String(one.out) },
    tierMode: 'rate_card',
    tiers: [],
    serviceTiers: {},
    fx: one.currency === 'USD' ? null : { rateNano: CNY_NANO.toString(), date: '2026-11-01' },
  });
}

export interface GeneratorOptions {
  readonly seed: number;
  readonly count: number;
  /** Newest receipt; the others spread over `days` before it. */
  readonly endMs: number;
  readonly days: number;
  readonly tenants?: number;
  /** Also refusals, clients that left, streams that were cut, calls of unknown outcome: 6 in 100. */
  readonly varied?: boolean;
}

/** Realistic receipts, always the same for the same options, oldest first: skewed tenants and keys, retries, cache hits, two currencies, unpriced models. */
export function* generateReceipts(options: GeneratorOptions): Generator<Receipt> {
  const random = mulberry32(options.seed);
  const skewed = (n: number): number => Math.floor(n * random() ** 3);
  const spanMs = options.days * 86_400_000;
  for (let i = 0; i < options.count; i += 1) {
    const atMs = Math.floor(options.endMs - spanMs + (spanMs * (i + random())) / options.count);
    const tenant = skewed(options.tenants ?? 60);
    const key = skewed(25);
    const chosen = MODELS[skewed(MODELS.length)] ?? MODELS[0];
    const receiptId = uuidV7(atMs, random);
    const draw = random();
    const cacheResult: CacheResult = draw < 0.08 ? 'exact' : draw < 0.12 ? 'semantic' : draw < 0.8 ? 'miss' : 'off';
    const hit = cacheResult === 'exact' || cacheResult === 'semantic';
    const failed = !hit && random() < 0.06;
    const latencyMs = hit ? 1 + skewed(8) : 200 + skewed(9_000);
    const attempts: AttemptLine[] = [];
    if (!hit) {
      if (failed) attempts.push(attempt(attempts.length + 1, chosen, atMs, latencyMs, random, random() < 0.3 ? 'timeout' : 'error'));
      if (!failed || random() < 0.8) {
        const target = failed ? (MODELS[skewed(MODELS.length)] ?? chosen) : chosen;
        attempts.push(attempt(attempts.length + 1, target, atMs, latencyMs, random, 'ok'));
      }
    }
    const made = receipt({ receiptId, atMs, tenant, key, cacheResult, latencyMs, attempts, random });
    yield options.varied === true ? variedReceipt(made) : made;
  }
}

interface Parts {
  readonly receiptId: string;
  readonly atMs: number;
  readonly tenant: number;
  readonly key: number;
  readonly cacheResult: CacheResult;
  readonly latencyMs: number;
  readonly attempts: readonly AttemptLine[];
  readonly random: () => number;
}

function receipt({ receiptId, atMs, tenant, key, cacheResult, latencyMs, attempts, random }: Parts): Receipt {
  const served = attempts.find((one) => one.status === 'ok') ?? null;
  const hit = cacheResult === 'exact' || cacheResult === 'semantic';
  const charged = attempts.filter((one) => one.billed !== 'no');
  const unpriced = charged.some((one) => one.costPicoUsd === null);
  const cost = charged.reduce((sum, one) => sum + BigInt(one.costPicoUsd ?? '0'), 0n);
  const meters: { [M in Meter]?: number } = {};
  for (const one of attempts) {
    for (const [name, quantity] of Object.entries(one.meters)) {
      meters[name as Meter] = (meters[name as Meter] ?? 0) + quantity;
    }
  }
  const status: ReceiptStatus = hit || served !== null ? 'ok' : attempts.some((one) => one.status === 'timeout') ? 'timeout' : 'provider_error';
  const streamed = random() < 0.6;
  return {
    receiptId,
    tenantId: `tenant-${String(tenant).padStart(3, '0')}`,
    projectId: `project-${key % 4}`,
    apiKeyId: `key-${tenant}-${key}`,
    userId: random() < 0.5 ? '' : hex(16, random),
    traceId: hex(16, random),
    environment: 'production',
    tags: { team: `team-${key % 6}`, cost_centre: `cc-${tenant % 9}` },
    acceptedAt: new Date(atMs).toISOString(),
    sealedAt: new Date(atMs + latencyMs).toISOString(),
    api: 'chat.completions',
    streamed,
    ...(key % 2 === 0 ? { clientRetryCount: tenant % 3, sessionId: `session-${key}` } : {}),
    requestedModel: 'auto',
    servedModel: served?.model ?? null,
    provider: served?.provider ?? null,
    region: null,
    serviceTier: null,
    status,
    httpStatus: status === 'ok' ? 200 : status === 'timeout' ? 504 : 502,
    errorCode: status === 'ok' ? null : status === 'timeout' ? 'upstream_timeout' : 'upstream_error',
    finishReason: status === 'ok' ? 'stop' : null,
    streamComplete: streamed ? status === 'ok' : null,
    cache: {
      result: cacheResult,
      similarity: cacheResult === 'semantic' ? 0.9 + random() / 10 : null,
      sourceReceiptId: hit ? uuidV7(atMs - 60_000, random) : null,
      ageSeconds: hit ? 60 : null,
      reason: hit ? 'canonical' : null,
    },
    route: { policyHash: 'a3'.repeat(32), rule: null, reason: 'auto:weak', task: 'chat', baselineModel: 'gpt-5' },
    latencyMs,
    timeToFirstTokenMs: streamed && status === 'ok' ? Math.ceil(latencyMs / 3) : null,
    overheadUs: 300 + Math.floor(random() * 900),
    meters,
    usageSource: served === null ? 'none' : 'provider',
    costStatus: unpriced ? 'unpriced' : charged.length === 0 ? 'free' : 'exact',
    costPicoUsd: unpriced ? null : cost.toString(),
    wastedPicoUsd: unpriced ? '0' : (cost - BigInt(served?.costPicoUsd ?? '0')).toString(),
    avoidedPicoUsd: hit ? '2500000000' : '0',
    baselinePicoUsd: unpriced || hit ? null : (cost * 3n).toString(),
    requestCommitment: hex(32, random),
    responseCommitment: status === 'ok' ? hex(32, random) : null,
    attempts,
  };
}

type Model = (typeof MODELS)[number];

function attempt(n: number, target: Model, atMs: number, latencyMs: number, random: () => number, status: 'ok' | 'error' | 'timeout'): AttemptLine {
  const cached = random() < 0.3 ? Math.floor(random() * 900) : 0;
  const counts: Meters =
    status === 'ok'
      ? {
          input_uncached: 100 + Math.floor(3_000 * random() ** 2),
          ...(cached > 0 && { input_cache_read: cached }),
          output_text: 20 + Math.floor(800 * random()),
        }
      : {};
  const rates: Partial<Record<Meter, bigint>> =
    target.in === null ? {} : { input_uncached: target.in, input_cache_read: target.cached, output_text: target.out };
  const lines: MeterLine[] = [];
  for (const [name, quantity] of Object.entries(counts) as [Meter, number][]) {
    const rate = rates[name];
    if (rate !== undefined) {
      lines.push({ meter: name, quantity, ratePico: rate.toString(), amountPico: (rate * BigInt(quantity)).toString() });
    }
  }
  const native = lines.reduce((sum, line) => sum + BigInt(line.amountPico), 0n);
  const fx = target.currency === 'CNY' ? CNY_NANO : 1_000_000_000n;
  const isUnpriced = target.in === null;
  return {
    n,
    kind: n === 1 ? 'primary' : 'fallback',
    provider: target.provider,
    model: target.model,
    credentialId: `${target.provider}/1`,
    providerRequestId: status === 'ok' ? `req_${hex(8, random)}` : null,
    serviceTier: null,
    status,
    httpStatus: status === 'ok' ? 200 : status === 'timeout' ? 0 : 503,
    errorCode: status === 'ok' ? null : status === 'timeout' ? 'upstream_timeout' : 'upstream_unavailable',
    movedOn: status === 'ok' ? null : 'next_target',
    startedAt: new Date(atMs + n).toISOString(),
    latencyMs,
    timeToFirstTokenMs: status === 'ok' ? Math.ceil(latencyMs / 3) : null,
    billed: status === 'ok' ? 'yes' : 'no',
    meters: counts,
    usageSource: status === 'ok' ? 'provider' : 'none',
    usageFlags: [],
    usageRaw: status === 'ok' ? { prompt_tokens: (counts.input_uncached ?? 0) + cached, completion_tokens: counts.output_text } : null,
    providerCostPicoUsd: null,
    costStatus: status !== 'ok' ? 'free' : isUnpriced ? 'unpriced' : 'exact',
    lines,
    costPicoUsd: isUnpriced && status === 'ok' ? null : divideHalfEven(native * fx, 1_000_000_000n).toString(),
    priceId: isUnpriced ? null : `${target.provider}/${target.model}`,
    priceHash: isUnpriced ? null : (PRICE_HASHES.get(target) ?? null),
    currency: target.currency,
    costNativePico: isUnpriced && status === 'ok' ? null : native.toString(),
    fxRateNano: fx.toString(),
    fxDate: target.currency === 'CNY' ? '2026-11-01' : null,
  };
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function hex(bytes: number, random: () => number): string {
  let text = '';
  for (let i = 0; i < bytes; i += 4) text += Math.floor(random() * 4_294_967_296).toString(16).padStart(8, '0');
  return text.slice(0, bytes * 2);
}

function uuidV7(atMs: number, random: () => number): string {
  const time = Math.max(0, atMs).toString(16).padStart(12, '0');
  const tail = hex(12, random);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6, 18)}`;
}
