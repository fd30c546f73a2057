import { isAside, servedAttempt, type AttemptLine } from '#events/domain/attempt.js';
import type { Meters } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import {
  countCell,
  countMapCell,
  dayCell,
  enumCell,
  hexCell,
  maybeCell,
  moneyCell,
  nanoCell,
  textCell,
  textMapCell,
  textsCell,
  timeCell,
  uuidCell,
} from './column-value.js';
import {
  ATTEMPT_KIND,
  ATTEMPT_STATUS,
  BILLED,
  CACHE_RESULT,
  COST_STATUS,
  ENTRY_KIND,
  STATUS,
  USAGE_SOURCE,
} from './receipt-columns.js';

/** Where a row came from; the structural twin of `LogPlace` in the port. */
export interface RowPlace {
  readonly logId: string;
  readonly partition: number;
  readonly offset: bigint;
}
export type Row = readonly unknown[];

const U8 = 255;
const U16 = 65_535;
const U32 = 4_294_967_295;
const meter = (meters: Meters, ...names: (keyof Meters)[]): number =>
  names.reduce((sum, name) => sum + (meters[name] ?? 0), 0);

/** The attempt whose price and currency the receipt shows: the one that served, else the last for an answer, else any. */
function priced({ attempts }: Receipt): AttemptLine | null {
  return servedAttempt(attempts) ?? attempts.findLast(({ kind }) => !isAside(kind)) ?? attempts.at(-1) ?? null;
}

/** The native sum where all attempts that cost something are in one currency; otherwise there is none. */
function nativeCost(receipt: Receipt, currency: string): string | null {
  if (receipt.costPicoUsd === null) return null;
  let total = 0n;
  for (const attempt of receipt.attempts) {
    if (attempt.costNativePico === null || BigInt(attempt.costNativePico) === 0n) continue;
    if (attempt.currency !== currency) return null;
    total += BigInt(attempt.costNativePico);
  }
  return total.toString();
}

/**
 * One receipt as values in the order of `RECEIPT_COLUMNS`: a function of the event and its place alone.
 * Money is integers in the last place of its decimal, times are milliseconds, bytes are hex, enumerations their number.
 * @throws ColumnError when a value does not fit its column.
 */
export function toReceiptRow(receipt: Receipt, place: RowPlace): Row {
  const { cache, route, meters } = receipt;
  const price = priced(receipt);
  const currency = price?.currency ?? 'USD';
  return [
    textCell('tenant_id', receipt.tenantId),
    timeCell('ts', receipt.acceptedAt),
    timeCell('sealed_at', receipt.sealedAt),
    uuidCell('receipt_id', receipt.receiptId),
    textCell('project_id', receipt.projectId),
    textCell('api_key_id', receipt.apiKeyId),
    textCell('user_id', receipt.userId),
    hexCell('trace_id', receipt.traceId, 16),
    textCell('environment', receipt.environment),
    textMapCell('tags', receipt.tags),
    textCell('api', receipt.api),
    receipt.streamed === true,
    maybeCell(receipt.clientRetryCount ?? null, (value) => countCell('client_retry_count', value, U16)),
    textCell('session_id', receipt.sessionId),
    textCell('requested_model', receipt.requestedModel),
    textCell('served_model', receipt.servedModel),
    textCell('provider', receipt.provider),
    textCell('region', receipt.region),
    textCell('service_tier', receipt.serviceTier),
    enumCell('status', receipt.status, STATUS),
    countCell('http_status', receipt.httpStatus, U16),
    textCell('error_code', receipt.errorCode),
    textCell('finish_reason', receipt.finishReason),
    maybeCell(receipt.streamComplete, (value) => value === true),
    countCell('attempts', receipt.attempts.length, U8),
    enumCell('cache_result', cache.result, CACHE_RESULT),
    maybeCell(cache.similarity, (value) => (Number.isFinite(value) ? value : null)),
    uuidCell('cache_source', cache.sourceReceiptId),
    maybeCell(cache.ageSeconds, (value) => (Number.isFinite(value) ? value : null)),
    textCell('cache_reason', cache.reason),
    textCell('route_policy', route.policyHash),
    textCell('route_rule', route.rule),
    textCell('route_reason', route.reason),
    textCell('route_task', route.task),
    textCell('baseline_model', route.baselineModel),
    countCell('latency_ms', receipt.latencyMs, U32),
    maybeCell(receipt.timeToFirstTokenMs, (value) => countCell('ttft_ms', value, U32)),
    countCell('overhead_us', receipt.overheadUs, U32),
    countCell('tok_in', meter(meters, 'input_uncached', 'input_audio', 'input_image'), U32),
    countCell('tok_cache_read', meter(meters, 'input_cache_read', 'input_audio_cache_read'), U32),
    countCell('tok_cache_write', meter(meters, 'input_cache_write_5m', 'input_cache_write_1h'), U32),
    countCell('tok_out', meter(meters, 'output_text', 'output_audio', 'output_image'), U32),
    countCell('tok_reasoning', meter(meters, 'output_reasoning'), U32),
    countMapCell('meters', meters),
    enumCell('usage_source', receipt.usageSource, USAGE_SOURCE),
    [...new Set(receipt.attempts.flatMap((attempt) => textsCell('usage_flags', attempt.usageFlags)))],
    enumCell('cost_status', receipt.costStatus, COST_STATUS),
    maybeCell(receipt.costPicoUsd, (value) => moneyCell('cost_usd', value)),
    maybeCell(nativeCost(receipt, currency), (value) => moneyCell('cost_native', value)),
    maybeCell(receipt.wastedPicoUsd, (value) => moneyCell('wasted_usd', value)),
    maybeCell(receipt.avoidedPicoUsd, (value) => moneyCell('avoided_usd', value)),
    maybeCell(receipt.baselinePicoUsd, (value) => moneyCell('baseline_usd', value)),
    textCell('price_id', price?.priceId),
    textCell('price_hash', price?.priceHash),
    textCell('currency', currency),
    nanoCell('fx_rate', price?.fxRateNano ?? '1000000000'),
    maybeCell(price?.fxDate, (value) => dayCell('fx_date', value)),
    hexCell('req_commit', receipt.requestCommitment, 32),
    hexCell('resp_commit', receipt.responseCommitment, 32),
    textCell('log_id', place.logId),
    place.offset,
    place.partition,
    place.offset,
    1,
  ];
}

/** The attempts of a receipt in the order of `ATTEMPT_COLUMNS`. @throws ColumnError as above. */
export function toAttemptRows(receipt: Receipt, place: RowPlace): readonly Row[] {
  return receipt.attempts.map((attempt) => [
    textCell('tenant_id', receipt.tenantId),
    timeCell('ts', receipt.acceptedAt),
    uuidCell('receipt_id', receipt.receiptId),
    countCell('n', attempt.n, U8),
    enumCell('kind', attempt.kind, ATTEMPT_KIND),
    textCell('provider', attempt.provider),
    textCell('model', attempt.model),
    textCell('credential_id', attempt.credentialId),
    textCell('provider_request_id', attempt.providerRequestId),
    textCell('service_tier', attempt.serviceTier),
    enumCell('status', attempt.status, ATTEMPT_STATUS),
    countCell('http_status', attempt.httpStatus, U16),
    textCell('error_code', attempt.errorCode),
    textCell('moved_on', attempt.movedOn),
    timeCell('started_at', attempt.startedAt),
    countCell('latency_ms', attempt.latencyMs, U32),
    maybeCell(attempt.timeToFirstTokenMs, (value) => countCell('ttft_ms', value, U32)),
    enumCell('billed', attempt.billed, BILLED),
    countMapCell('used', attempt.meters ?? {}),
    attempt.lines.map((line) => textCell('meters', line.meter)),
    attempt.lines.map((line) => countCell('qty', line.quantity, Number.MAX_SAFE_INTEGER)),
    attempt.lines.map((line) => moneyCell('rate', line.ratePico)),
    attempt.lines.map((line) => moneyCell('amount', line.amountPico)),
    enumCell('usage_source', attempt.usageSource, USAGE_SOURCE),
    textsCell('usage_flags', attempt.usageFlags),
    enumCell('cost_status', attempt.costStatus, COST_STATUS),
    maybeCell(attempt.costPicoUsd, (value) => moneyCell('cost_usd', value)),
    maybeCell(attempt.costNativePico, (value) => moneyCell('cost_native', value)),
    maybeCell(attempt.providerCostPicoUsd, (value) => moneyCell('provider_cost_usd', value)),
    textCell('price_id', attempt.priceId),
    textCell('price_hash', attempt.priceHash),
    textCell('currency', attempt.currency),
    nanoCell('fx_rate', attempt.fxRateNano),
    maybeCell(attempt.fxDate, (value) => dayCell('fx_date', value)),
    attempt.usageRaw === null || attempt.usageRaw === undefined
      ? ''
      : textCell('usage_raw', JSON.stringify(attempt.usageRaw)),
    place.partition,
    place.offset,
  ]);
}

/** In the order of `ADJUSTMENT_COLUMNS`. @throws ColumnError as above. */
export function toAdjustmentRow(adjustment: ReceiptAdjusted, place: RowPlace): Row {
  return [
    textCell('tenant_id', adjustment.tenantId),
    // A claimed time may be years old: the table would drop the row as outlived.
    timeCell('ts', adjustment.bookedAt ?? adjustment.adjustedAt),
    uuidCell('receipt_id', adjustment.receiptId),
    countCell('seq', adjustment.seq, U32),
    moneyCell('delta_usd', adjustment.deltaPicoUsd),
    textCell('reason', adjustment.reason),
    textCell('evidence', adjustment.evidence),
    textCell('log_id', place.logId),
    place.offset,
    place.partition,
    place.offset,
  ];
}

/** In the order of `LOG_ENTRY_COLUMNS`. */
export function toLogEntryRow(
  kind: 'sealed' | 'adjusted' | 'duplicate' | 'dead',
  receiptId: string | null,
  reason: string,
  place: RowPlace,
): Row {
  const { offset } = place;
  return [place.logId, offset, ENTRY_KIND[kind], uuidCell('receipt_id', receiptId), reason, place.partition, offset];
}
