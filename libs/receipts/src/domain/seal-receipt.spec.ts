import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { RequestAccepted, ResponseCompleted } from '#events/domain/router-event.js';
import { sealReceipt } from './seal-receipt.js';

const accepted: RequestAccepted = {
  receiptId: '01890000-0000-7000-8000-000000000001',
  tenantId: 'acme',
  projectId: 'default',
  apiKeyId: 'k1',
  userId: '',
  traceId: '0'.repeat(32),
  environment: 'default',
  tags: { team: 'blue' },
  acceptedAt: '2026-01-01T00:00:00.000Z',
  api: 'chat.completions',
  streamed: false,
  requestedModel: 'smart',
  requestCommitment: 'aa',
  cache: { result: 'miss', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: null },
  route: { policyHash: 'p', rule: null, reason: 'declared_model', task: null, baselineModel: null },
  decision: null,
};
const response: ResponseCompleted = {
  receiptId: accepted.receiptId,
  status: 'ok',
  httpStatus: 200,
  finishReason: 'stop',
  streamComplete: null,
  latencyMs: 12,
  responseCommitment: 'bb',
};
const attempt = (over: Partial<AttemptLine>): AttemptLine => ({
  n: 1,
  kind: 'primary',
  provider: 'alpha',
  model: 'large',
  credentialId: 'alpha/1',
  providerRequestId: null,
  serviceTier: null,
  status: 'ok',
  httpStatus: 200,
  errorCode: null,
  movedOn: null,
  startedAt: accepted.acceptedAt,
  latencyMs: 10,
  timeToFirstTokenMs: null,
  billed: 'yes',
  meters: { input_uncached: 10, output_text: 2 },
  usageSource: 'provider',
  usageFlags: [],
  usageRaw: null,
  providerCostPicoUsd: null,
  costStatus: 'exact',
  lines: [],
  costPicoUsd: '100',
  priceId: 'p1',
  priceHash: 'h1',
  currency: 'USD',
  costNativePico: '100',
  fxRateNano: '1000000000',
  fxDate: null,
  ...over,
});
const seal = (attempts: readonly AttemptLine[], avoidedPicoUsd: bigint | null = 0n) =>
  sealReceipt({
    accepted,
    attempts,
    response,
    errorCode: null,
    sealedAt: '2026-01-01T00:00:01.000Z',
    timeToFirstTokenMs: null,
    overheadUs: 200,
    baselinePicoUsd: null,
    avoidedPicoUsd,
  });

describe('sealReceipt', () => {
  it('names the attempt that served and counts what the others cost as wasted', () => {
    const failed = attempt({ n: 1, status: 'error', billed: 'yes', costPicoUsd: '30', provider: 'beta' });
    const served = attempt({ n: 2, costPicoUsd: '100' });

    const receipt = seal([failed, served]);

    expect(receipt).toMatchObject({ provider: 'alpha', costPicoUsd: '130', wastedPicoUsd: '30', costStatus: 'exact' });
    expect(receipt.meters).toEqual({ input_uncached: 20, output_text: 4 });
  });

  it('has no cost at all when one billed attempt has no price', () => {
    const receipt = seal([attempt({}), attempt({ n: 2, costPicoUsd: null, costStatus: 'unpriced' })]);

    expect(receipt.costPicoUsd).toBeNull();
    expect(receipt.costStatus).toBe('unpriced');
  });

  it('lets an attempt that was not billed cost nothing, priced or not', () => {
    const receipt = seal([
      attempt({ status: 'error', billed: 'no', costPicoUsd: null, costStatus: 'unpriced' }),
      attempt({ n: 2 }),
    ]);

    expect(receipt).toMatchObject({ costPicoUsd: '100', costStatus: 'exact', wastedPicoUsd: '0' });
  });

  it('does not know the waste when a failed attempt that may have been billed has no price', () => {
    for (const billed of ['yes', 'unknown'] as const) {
      const failed = attempt({ status: 'error', billed, costPicoUsd: null, costStatus: 'unpriced' });

      expect(seal([failed, attempt({ n: 2 })])).toMatchObject({ wastedPicoUsd: null, costPicoUsd: null });
    }
  });

  it('knows that nothing was wasted when only the attempt that answered has no price', () => {
    expect(seal([attempt({ costPicoUsd: null, costStatus: 'unpriced' })])).toMatchObject({ wastedPicoUsd: '0' });
  });

  it('does not know what a hit saved when nobody knows', () => {
    expect(seal([], null).avoidedPicoUsd).toBeNull();
  });

  it('is free, with cost zero, when nothing was asked of a provider', () => {
    expect(seal([])).toMatchObject({ costPicoUsd: '0', costStatus: 'free', provider: null });
  });

  it('sums the costs of its attempts exactly, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { maxLength: 5 }), (costs) => {
        const receipt = seal(costs.map((cost, index) => attempt({ n: index + 1, costPicoUsd: cost.toString() })));

        expect(BigInt(receipt.costPicoUsd ?? '-1')).toBe(costs.reduce((sum, cost) => sum + cost, 0n));
      }),
    );
  });

  it('counts what an embedding cost, never as the model that served, and as waste only when it failed', () => {
    const embedding = attempt({ kind: 'embedding', provider: 'vectors', model: 'embed', costPicoUsd: '3' });
    const failed = { ...embedding, status: 'timeout', billed: 'unknown', costStatus: 'estimated' } as const;

    const served = { servedModel: 'large', provider: 'alpha' };
    expect(seal([embedding, attempt({ n: 2 })])).toMatchObject({ ...served, costPicoUsd: '103', wastedPicoUsd: '0' });
    expect(seal([failed, attempt({ n: 2 })])).toMatchObject({ ...served, costPicoUsd: '103', wastedPicoUsd: '3' });
    expect(seal([embedding], 100n)).toMatchObject({
      servedModel: null,
      provider: null,
      costPicoUsd: '3',
      wastedPicoUsd: '0',
      avoidedPicoUsd: '100',
      costStatus: 'exact',
    });
  });
});
