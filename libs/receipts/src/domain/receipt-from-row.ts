import type { AttemptLine } from '#events/domain/attempt.js';
import type { Meter, Meters } from '#events/domain/meters.js';
import { decimalToPico, type PicoText } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import { NO_UUID } from './column-value.js';
import { ATTEMPT_COLUMNS, RECEIPT_COLUMNS } from './receipt-columns.js';

/** A row by column name, with decimals and 64-bit integers quoted (`RECEIPT_SELECT`, `ATTEMPT_SELECT`). */
export type RowObject = Readonly<Record<string, unknown>>;

const plain = (columns: Readonly<Record<string, string>>): string[] =>
  Object.keys(columns).filter((name) => !name.endsWith('_hex'));

/** What to select so that `fromReceiptRow` can read it. */
export const RECEIPT_SELECT = [
  ...plain(RECEIPT_COLUMNS),
  'lower(hex(trace_id)) AS trace_hex',
  'lower(hex(req_commit)) AS req_hex',
  'lower(hex(resp_commit)) AS resp_hex',
].join(', ');
export const ATTEMPT_SELECT = plain(ATTEMPT_COLUMNS).join(', ');

const text = (row: RowObject, name: string): string => String(row[name] ?? '');
const orNull = <T extends string>(value: T): T | null => (value === '' ? null : value);
const number = (row: RowObject, name: string): number => Number(row[name] ?? 0);
const maybeNumber = (row: RowObject, name: string): number | null => (row[name] === null ? null : number(row, name));
const time = (row: RowObject, name: string): string => `${text(row, name).replace(' ', 'T')}Z`;
const pico = (value: unknown): PicoText => (decimalToPico(String(value)) ?? 0n).toString();
const maybePico = (row: RowObject, name: string): PicoText | null => (row[name] === null ? null : pico(row[name]));
const uuid = (row: RowObject, name: string): string | null => (text(row, name) === NO_UUID ? null : text(row, name));
const list = (row: RowObject, name: string): readonly unknown[] => {
  const value = row[name];
  return Array.isArray(value) ? value : [];
};
const meters = (row: RowObject, name: string): Meters =>
  Object.fromEntries(
    Object.entries((row[name] ?? {}) as Record<string, unknown>).map(([key, value]) => [key, Number(value)]),
  ) as Meters;
const commitment = (hex: string): string => (/^0*$/.test(hex) ? '' : hex);

/**
 * The receipt that a row and its attempts were made of. Empty texts come back as `null` where the receipt has `null`.
 * The exact bytes are in the log; this is a reading of the view.
 */
export function fromReceiptRow(row: RowObject, attemptRows: readonly RowObject[]): Receipt {
  return {
    receiptId: text(row, 'receipt_id'),
    tenantId: text(row, 'tenant_id'),
    projectId: text(row, 'project_id'),
    apiKeyId: text(row, 'api_key_id'),
    userId: text(row, 'user_id'),
    traceId: commitment(text(row, 'trace_hex')),
    environment: text(row, 'environment'),
    tags: (row['tags'] ?? {}) as Readonly<Record<string, string>>,
    acceptedAt: time(row, 'ts'),
    sealedAt: time(row, 'sealed_at'),
    api: text(row, 'api') as Receipt['api'],
    streamed: row['streamed'] === true,
    ...(typeof row['client_retry_count'] === 'number' ? { clientRetryCount: row['client_retry_count'] } : {}),
    ...(text(row, 'session_id') === '' ? {} : { sessionId: text(row, 'session_id') }),
    requestedModel: text(row, 'requested_model'),
    servedModel: orNull(text(row, 'served_model')),
    provider: orNull(text(row, 'provider')),
    region: orNull(text(row, 'region')),
    serviceTier: orNull(text(row, 'service_tier')),
    status: text(row, 'status') as Receipt['status'],
    httpStatus: number(row, 'http_status'),
    errorCode: orNull(text(row, 'error_code')),
    finishReason: orNull(text(row, 'finish_reason')),
    streamComplete: row['stream_complete'] === null ? null : row['stream_complete'] === true,
    cache: {
      result: text(row, 'cache_result') as Receipt['cache']['result'],
      similarity: maybeNumber(row, 'cache_similarity'),
      sourceReceiptId: uuid(row, 'cache_source'),
      ageSeconds: maybeNumber(row, 'cache_age_s'),
      reason: orNull(text(row, 'cache_reason')),
    },
    route: {
      policyHash: text(row, 'route_policy'),
      rule: orNull(text(row, 'route_rule')),
      reason: text(row, 'route_reason'),
      task: orNull(text(row, 'route_task')),
      baselineModel: orNull(text(row, 'baseline_model')),
    },
    latencyMs: number(row, 'latency_ms'),
    timeToFirstTokenMs: maybeNumber(row, 'ttft_ms'),
    overheadUs: number(row, 'overhead_us'),
    meters: meters(row, 'meters'),
    usageSource: text(row, 'usage_source') as Receipt['usageSource'],
    costStatus: text(row, 'cost_status') as Receipt['costStatus'],
    costPicoUsd: maybePico(row, 'cost_usd'),
    wastedPicoUsd: maybePico(row, 'wasted_usd'),
    avoidedPicoUsd: maybePico(row, 'avoided_usd'),
    baselinePicoUsd: maybePico(row, 'baseline_usd'),
    requestCommitment: commitment(text(row, 'req_hex')),
    responseCommitment: orNull(commitment(text(row, 'resp_hex'))),
    attempts: attemptRows.map(fromAttemptRow).toSorted((a, b) => a.n - b.n),
  };
}

function fromAttemptRow(row: RowObject): AttemptLine {
  const rates = list(row, 'rate');
  const amounts = list(row, 'amount');
  const quantities = list(row, 'qty');
  return {
    n: number(row, 'n'),
    kind: text(row, 'kind') as AttemptLine['kind'],
    provider: text(row, 'provider'),
    model: text(row, 'model'),
    credentialId: text(row, 'credential_id'),
    providerRequestId: orNull(text(row, 'provider_request_id')),
    serviceTier: orNull(text(row, 'service_tier')),
    status: text(row, 'status') as AttemptLine['status'],
    httpStatus: number(row, 'http_status'),
    errorCode: orNull(text(row, 'error_code')),
    movedOn: orNull(text(row, 'moved_on')),
    startedAt: time(row, 'started_at'),
    latencyMs: number(row, 'latency_ms'),
    timeToFirstTokenMs: maybeNumber(row, 'ttft_ms'),
    billed: text(row, 'billed') as AttemptLine['billed'],
    meters: meters(row, 'used'),
    usageSource: text(row, 'usage_source') as AttemptLine['usageSource'],
    usageFlags: list(row, 'usage_flags').map(String),
    usageRaw: text(row, 'usage_raw') === '' ? null : JSON.parse(text(row, 'usage_raw')),
    providerCostPicoUsd: maybePico(row, 'provider_cost_usd'),
    costStatus: text(row, 'cost_status') as AttemptLine['costStatus'],
    lines: list(row, 'meters').map((meter, index) => ({
      meter: meter as Meter,
      quantity: Number(quantities[index]),
      ratePico: pico(rates[index]),
      amountPico: pico(amounts[index]),
    })),
    costPicoUsd: maybePico(row, 'cost_usd'),
    priceId: orNull(text(row, 'price_id')),
    priceHash: orNull(text(row, 'price_hash')),
    currency: text(row, 'currency'),
    costNativePico: maybePico(row, 'cost_native'),
    fxRateNano: (BigInt(pico(row['fx_rate'])) / 1000n).toString(),
    fxDate: row['fx_date'] === null ? null : text(row, 'fx_date'),
  };
}
