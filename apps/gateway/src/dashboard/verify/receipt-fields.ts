import type { AttemptLine, MeterLine } from '#events/domain/attempt.js';
import { METERS } from '#events/domain/meters.js';
import type { Receipt, ReceiptCache, ReceiptRoute } from '#events/domain/receipt.js';

/** What may stand in a field. */
export interface FieldKind {
  /** For people: "a time like 2026-01-31T12:00:00.000Z". */
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
}

const matching = (is: string, pattern: RegExp): FieldKind => ({
  is,
  fits: (value) => typeof value === 'string' && pattern.test(value),
});
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull = ({ is, fits }: FieldKind): FieldKind => ({
  is: `${is}, or null`,
  fits: (value) => value === null || fits(value),
});
const oneOf = (...values: readonly string[]): FieldKind => ({
  is: `one of ${values.join(', ')}`,
  fits: (value) => values.includes(value as string),
});

const text: FieldKind = { is: 'a text', fits: (value) => typeof value === 'string' };
const yesOrNo: FieldKind = { is: 'true or false', fits: (value) => typeof value === 'boolean' };
const number: FieldKind = { is: 'a number', fits: (value) => typeof value === 'number' && Number.isFinite(value) };
const count: FieldKind = {
  is: 'a whole number from 0',
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const uuid = matching('a UUID', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const time: FieldKind = {
  is: 'a UTC time with milliseconds',
  fits: (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
};
const pico = matching('an integer of picodollars as text', /^(0|-?[1-9]\d*)$/);
const sha256 = matching('a SHA-256 as 64 hex digits', /^[0-9a-f]{64}$/);
const meters: FieldKind = {
  is: 'a map of known meters to whole numbers',
  fits: (value) =>
    isMap(value) &&
    Object.entries(value).every(([name, used]) => (METERS as readonly string[]).includes(name) && count.fits(used)),
};
const usageSource = oneOf('none', 'provider', 'estimated', 'upper_bound');
const costStatus = oneOf('exact', 'provider_reported', 'estimated', 'unpriced', 'free');
const list: FieldKind = { is: 'a list', fits: Array.isArray };
const map: FieldKind = { is: 'an object', fits: isMap };
const anything: FieldKind = { is: 'anything', fits: () => true };

/** Every field of the sealed event, in its order. */
export const RECEIPT_FIELDS: {
  readonly [F in Exclude<keyof Receipt, 'clientRetryCount' | 'sessionId' | 'saltKeyId'>]: FieldKind;
} = {
  receiptId: uuid,
  tenantId: text,
  projectId: text,
  apiKeyId: text,
  userId: matching('64 hex digits or empty', /^([0-9a-f]{64})?$/),
  traceId: matching('32 hex digits', /^[0-9a-f]{32}$/),
  environment: text,
  tags: {
    is: 'a map of texts',
    fits: (value) => isMap(value) && Object.values(value).every((each) => typeof each === 'string'),
  },
  acceptedAt: time,
  sealedAt: time,
  api: text,
  streamed: yesOrNo,
  requestedModel: text,
  servedModel: orNull(text),
  provider: orNull(text),
  region: orNull(text),
  serviceTier: orNull(text),
  status: oneOf(
    'ok',
    'client_error',
    'provider_error',
    'timeout',
    'truncated',
    'aborted',
    'rejected',
    'replayed',
    'unknown',
  ),
  httpStatus: {
    is: '0 or a status from 100 to 599',
    fits: (value) => value === 0 || (count.fits(value) && (value as number) >= 100 && (value as number) <= 599),
  },
  errorCode: orNull(text),
  finishReason: orNull(text),
  streamComplete: orNull(yesOrNo),
  cache: map,
  route: map,
  latencyMs: count,
  timeToFirstTokenMs: orNull(count),
  overheadUs: count,
  meters,
  usageSource,
  costStatus,
  costPicoUsd: orNull(pico),
  wastedPicoUsd: orNull(pico),
  avoidedPicoUsd: orNull(pico),
  baselinePicoUsd: orNull(pico),
  requestCommitment: sha256,
  responseCommitment: orNull(sha256),
  attempts: list,
};

/** Fields that stand in some receipts only. */
export const OPTIONAL_RECEIPT_FIELDS = { clientRetryCount: count, sessionId: text, saltKeyId: text } as const;

export const CACHE_FIELDS: { readonly [F in keyof ReceiptCache]: FieldKind } = {
  result: oneOf('off', 'miss', 'exact', 'semantic', 'bypass', 'refresh'),
  similarity: orNull(number),
  sourceReceiptId: orNull(uuid),
  ageSeconds: orNull(number),
  reason: orNull(text),
};

export const ROUTE_FIELDS: { readonly [F in keyof ReceiptRoute]: FieldKind } = {
  policyHash: matching('64 hex digits or empty', /^([0-9a-f]{64})?$/),
  rule: orNull(text),
  reason: text,
  task: orNull(text),
  baselineModel: orNull(text),
};

export const ATTEMPT_FIELDS: { readonly [F in keyof AttemptLine]: FieldKind } = {
  n: { is: 'a whole number from 1', fits: (value) => count.fits(value) && value !== 0 },
  kind: oneOf('primary', 'retry', 'fallback', 'hedge', 'embedding', 'judge', 'shadow'),
  provider: text,
  model: text,
  credentialId: text,
  providerRequestId: orNull(text),
  serviceTier: orNull(text),
  status: oneOf('ok', 'error', 'timeout', 'aborted', 'unknown'),
  httpStatus: count,
  errorCode: orNull(text),
  movedOn: orNull(text),
  startedAt: time,
  latencyMs: count,
  timeToFirstTokenMs: orNull(count),
  billed: oneOf('yes', 'no', 'unknown'),
  meters,
  usageSource,
  usageFlags: list,
  usageRaw: anything,
  providerCostPicoUsd: orNull(pico),
  costStatus,
  lines: list,
  costPicoUsd: orNull(pico),
  priceId: orNull(text),
  priceHash: orNull(sha256),
  currency: matching('a currency code', /^[A-Z]{3}$/),
  costNativePico: orNull(pico),
  fxRateNano: matching('a positive integer as text', /^[1-9]\d*$/),
  fxDate: orNull(matching('a day', /^\d{4}-\d\d-\d\d$/)),
};

export const LINE_FIELDS: { readonly [F in keyof MeterLine]: FieldKind } = {
  meter: { is: 'a known meter', fits: (value) => (METERS as readonly string[]).includes(value as string) },
  quantity: count,
  ratePico: matching('an integer as text', /^(0|[1-9]\d*)$/),
  amountPico: matching('an integer as text', /^(0|[1-9]\d*)$/),
};
