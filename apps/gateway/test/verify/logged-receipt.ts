import { hash } from 'node:crypto';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { TOPICS } from '#events/domain/topics.js';
import { priceRecordText, type PriceRecord } from '#pricing/domain/price-record.js';
import { priceUsage, US_DOLLAR } from '#pricing/domain/price-usage.js';
import { sealReceipt } from '#receipts/domain/seal-receipt.js';
import { createMemoryTileStore, createSha256TreeHash, NODE_CRYPTO } from '#transparency/transparency.module.js';
import { Ed25519Signer } from '../../../../libs/transparency/src/adapters/node-crypto/ed25519.js';
import { formatVerifierKey } from '#transparency/domain/verifier-key.js';
import { LogSequencer, logVerifierKey } from '#transparency/usecases/log-sequencer.js';
import { proveEntry } from '#transparency/usecases/prove-entry.js';
import { NO_EXTRAS, type Evidence } from '../../src/dashboard/verify/evidence.js';

export const PRICE: PriceRecord = {
  priceId: 'file:alpha/large@2026-01-01',
  provider: 'alpha',
  model: 'large',
  tenantId: null,
  currency: 'USD',
  validFrom: '2026-01-01T00:00:00.000Z',
  validTo: null,
  daily: null,
  source: 'file',
  tierMode: 'rate_card',
  rates: { input_uncached: '1250000', output_text: '10000000' },
  tiers: [],
  serviceTiers: {},
  fx: null,
};
export const REQUEST = '{"model":"large","messages":[{"role":"user","content":"What is 2 + 2?"}]}';
export const ANSWER = '{"id":"c1","choices":[{"message":{"content":"4"}}],"usage":{"prompt_tokens":12}}';
export const SALTS = {
  requestSalt: '00112233445566778899aabbccddeeff',
  responseSalt: 'ffeeddccbbaa99887766554433221100',
};

export const commit = (salt: string, body: string): string =>
  hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), Buffer.from(body)]));

const attempt = (n: number, over: Partial<AttemptLine>): AttemptLine => ({
  n,
  kind: n === 1 ? 'primary' : 'fallback',
  provider: 'alpha',
  model: 'large',
  credentialId: 'alpha/1',
  providerRequestId: `req_${n}`,
  serviceTier: null,
  status: 'ok',
  httpStatus: 200,
  errorCode: null,
  movedOn: null,
  startedAt: '2026-01-01T00:00:00.001Z',
  latencyMs: 40,
  timeToFirstTokenMs: null,
  billed: 'yes',
  usageSource: 'provider',
  usageFlags: [],
  usageRaw: { prompt_tokens: 12 },
  providerCostPicoUsd: null,
  meters: { input_uncached: 12, output_text: 3 },
  ...priceUsage(
    PRICE,
    hash('sha256', priceRecordText(PRICE)),
    { input_uncached: 12, output_text: 3 },
    null,
    true,
    US_DOLLAR,
  ),
  ...over,
});
const FAILED: Partial<AttemptLine> = {
  status: 'error',
  httpStatus: 503,
  errorCode: 'upstream_unavailable',
  movedOn: 'next_target',
  billed: 'no',
  meters: {},
  usageSource: 'none',
  usageRaw: null,
  lines: [],
  costPicoUsd: '0',
  costNativePico: '0',
  priceId: null,
  priceHash: null,
};

/** A receipt of a failed and a good attempt. */
export function makeReceipt(responseBody = ANSWER): Receipt {
  return sealReceipt({
    accepted: {
      receiptId: '019b76da-a800-7c3e-9f10-3b2a1c4d5e6f',
      tenantId: 'acme',
      projectId: 'chat',
      apiKeyId: 'k1',
      userId: '',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      environment: 'default',
      tags: { team: 'search' },
      acceptedAt: '2026-01-01T00:00:00.000Z',
      api: 'chat.completions',
      streamed: false,
      requestedModel: 'large',
      requestCommitment: commit(SALTS.requestSalt, REQUEST),
      cache: { result: 'miss', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: 'not_found' },
      route: { policyHash: 'ab'.repeat(32), rule: null, reason: 'declared_model', task: null, baselineModel: null },
      decision: null,
    },
    attempts: [attempt(1, FAILED), attempt(2, {})],
    response: {
      receiptId: '019b76da-a800-7c3e-9f10-3b2a1c4d5e6f',
      status: 'ok',
      httpStatus: 200,
      finishReason: 'stop',
      streamComplete: null,
      latencyMs: 90,
      responseCommitment: commit(SALTS.responseSalt, responseBody),
    },
    errorCode: null,
    sealedAt: '2026-01-01T00:00:00.090Z',
    timeToFirstTokenMs: null,
    overheadUs: 900,
    baselinePicoUsd: null,
    avoidedPicoUsd: 0n,
  });
}

const other = (n: number): NewRecord => ({ topic: TOPICS.receipts, key: `r${n}`, value: `{"n":${n}}`, headers: {} });

/** The evidence of a receipt in a log of `size` entries, signed by a key of a fixed seed. */
export async function logReceipt(receipt: Receipt, size = 40, seed = 5, name = 'test.example'): Promise<Evidence> {
  const log = createMemoryLog();
  const time = receipt.sealedAt;
  const event = encodeEvent(
    'nextmodel.receipt.sealed.v1',
    `${receipt.receiptId}/sealed`,
    receipt.receiptId,
    time,
    receipt,
  );
  const index = Math.floor(size / 2);
  const records = Array.from({ length: size }, (_, n) => (n === index ? event : other(n)));
  await log.writer.append(records).durable;
  const signer = new Ed25519Signer(name, new Uint8Array(32).fill(seed));
  const store = createMemoryTileStore();
  const parts = { topic: TOPICS.receipts, partition: 0, reader: log.reader, store, signer, digest: NODE_CRYPTO.digest };
  const sequencer = await LogSequencer.open(parts);
  const from = { topic: TOPICS.receipts, partition: 0, offset: 0n };
  sequencer.append((await log.reader.read(from, { recordsMax: 1e6, bytesMax: 1e9, waitMs: 0 })).records);
  await sequencer.sign();
  const proof = await proveEntry(store, index, createSha256TreeHash());
  if (proof.kind !== 'proved') throw new Error('not proved');
  const keys = formatVerifierKey(logVerifierKey(signer, 0, NODE_CRYPTO.digest));
  return {
    event: new TextEncoder().encode(event.value as string),
    proof: proof.proof,
    keys,
    keysFrom: 'given',
    ...NO_EXTRAS,
  };
}
