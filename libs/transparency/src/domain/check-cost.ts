import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { good, wrong, type Finding } from './finding.js';

const NANO = 1_000_000_000n;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What an event of the receipts says about itself. */
export type ReceiptEvent =
  | { readonly kind: 'sealed'; readonly receipt: Receipt }
  | { readonly kind: 'adjusted'; readonly receiptId: string; readonly deltaPicoUsd: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads the leaf of a log. */
export function readReceiptEvent(event: Uint8Array): ReceiptEvent {
  let data: unknown;
  try {
    data = JSON.parse(decoder.decode(event));
  } catch {
    return { kind: 'unreadable', reason: 'the event is no JSON text' };
  }
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Partial<Receipt> & {
    deltaPicoUsd?: string;
  };
  if (typeof fields.receiptId !== 'string') return { kind: 'unreadable', reason: 'the event has no receiptId' };
  if (Array.isArray(fields.attempts)) return { kind: 'sealed', receipt: fields as Receipt };
  if (typeof fields.deltaPicoUsd === 'string') {
    return { kind: 'adjusted', receiptId: fields.receiptId, deltaPicoUsd: fields.deltaPicoUsd };
  }
  return { kind: 'unreadable', reason: 'the event is neither a receipt nor an adjustment' };
}

/**
 * Computes the cost again from the receipt's own lines: amount = quantity × rate, a native cost = Σ amounts, dollars =
 * native × exchange rate rounded once half to even, the receipt = Σ of what was charged. Each difference names its field.
 */
export function checkCost(receipt: Receipt): readonly Finding[] {
  const faults: string[] = [];
  try {
    let total: bigint | null = 0n;
    for (const [n, attempt] of receipt.attempts.entries()) {
      checkAttempt(attempt, `attempts[${n}]`, faults);
      if (attempt.billed === 'no') continue;
      total = total === null || attempt.costPicoUsd === null ? null : total + BigInt(attempt.costPicoUsd);
    }
    compare(faults, 'costPicoUsd', receipt.costPicoUsd, total, 'the sum of the attempts');
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)) throw error;
    faults.push('a number of the receipt cannot be read');
  }
  if (faults.length > 0) return faults.map((fault) => wrong('cost', `receipt ${receipt.receiptId}: ${fault}`));
  const lines = receipt.attempts.reduce((sum, attempt) => sum + attempt.lines.length, 0);
  const cost = receipt.costPicoUsd === null ? 'no price is known' : `${receipt.costPicoUsd} picodollars`;
  return [
    good(
      'cost',
      `${receipt.attempts.length} attempts with ${lines} priced lines add up: ${cost} (${receipt.costStatus})`,
    ),
  ];
}

function checkAttempt(attempt: AttemptLine, path: string, faults: string[]): void {
  let native = 0n;
  for (const [n, line] of attempt.lines.entries()) {
    const amount = BigInt(line.quantity) * BigInt(line.ratePico);
    const how = `${line.quantity} ${line.meter} × ${line.ratePico}`;
    compare(faults, `${path}.lines[${n}].amountPico`, line.amountPico, amount, how);
    native += BigInt(line.amountPico);
  }
  checkQuantities(attempt, path, faults);
  if (attempt.lines.length > 0) {
    compare(faults, `${path}.costNativePico`, attempt.costNativePico, native, 'the sum of its lines');
  }
  if (attempt.costNativePico === null) {
    compare(faults, `${path}.costPicoUsd`, attempt.costPicoUsd, null, 'a cost that has no price');
    return;
  }
  if (attempt.costStatus === 'provider_reported' && attempt.providerCostPicoUsd !== null) {
    compare(
      faults,
      `${path}.costPicoUsd`,
      attempt.costPicoUsd,
      BigInt(attempt.providerCostPicoUsd),
      'what it reported',
    );
  }
  const dollars = halfEven(BigInt(attempt.costNativePico) * BigInt(attempt.fxRateNano));
  const how = `${attempt.costNativePico} × ${attempt.fxRateNano} / 10^9 (${attempt.currency})`;
  compare(faults, `${path}.costPicoUsd`, attempt.costPicoUsd, dollars, how);
}

/** A meter may have several lines (graduated prices); together they are what was used. */
function checkQuantities(attempt: AttemptLine, path: string, faults: string[]): void {
  const priced = new Map<string, number>();
  for (const { meter, quantity } of attempt.lines) priced.set(meter, (priced.get(meter) ?? 0) + quantity);
  for (const [meter, quantity] of priced) {
    const used = new Map(Object.entries(attempt.meters)).get(meter);
    // A price per request counts once where the usage does not name it.
    if (used === undefined && meter === 'request' && quantity === 1) continue;
    if (used !== quantity) faults.push(`${path}.meters.${meter} is ${used ?? 'missing'}, its lines have ${quantity}`);
  }
  if (attempt.lines.length === 0) return;
  for (const [meter, used] of Object.entries(attempt.meters)) {
    if (used !== 0 && !priced.has(meter)) faults.push(`${path}.lines have none for ${used} ${meter}`);
  }
}

function compare(faults: string[], path: string, said: string | null, computed: bigint | null, how: string): void {
  const expected = computed === null ? null : computed.toString();
  if (said !== expected) faults.push(`${path} is ${said ?? 'null'}, but ${how} makes ${expected ?? 'null'}`);
}

function halfEven(numerator: bigint): bigint {
  const quotient = numerator / NANO;
  const twice = (numerator % NANO) * 2n;
  return twice > NANO || (twice === NANO && quotient % 2n === 1n) ? quotient + 1n : quotient;
}
