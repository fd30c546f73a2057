import { parseReceiptId, receiptTimeMs } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { sealReceipt } from '#receipts/domain/seal-receipt.js';
import { good, wrong, type Finding } from '#transparency/domain/finding.js';

/** What a receipt says about all of its attempts together, beside its cost, which `checkCost` adds up. */
const FOLDED = ['meters', 'usageSource', 'costStatus', 'provider', 'servedModel', 'serviceTier'] as const;

/** Folds the attempts into the receipt once more and compares what depends on them. Needs whole fields. */
export function checkSums(receipt: Receipt): readonly Finding[] {
  const faults = [...checkTime(receipt), ...checkNumbers(receipt)];
  const again = sealReceipt({
    accepted: { ...receipt, decision: null },
    attempts: receipt.attempts,
    response: receipt,
    errorCode: receipt.errorCode,
    sealedAt: receipt.sealedAt,
    timeToFirstTokenMs: receipt.timeToFirstTokenMs,
    overheadUs: receipt.overheadUs,
    baselinePicoUsd: null,
    avoidedPicoUsd: null,
  });
  for (const name of FOLDED) {
    const [said, made] = [inOrder(receipt[name]), inOrder(again[name])];
    if (said !== made) faults.push(`${name} is ${said}, but its attempts make ${made}`);
  }
  // Receipts of former versions have 0 where it is not known.
  if (receipt.wastedPicoUsd !== again.wastedPicoUsd && again.wastedPicoUsd !== null) {
    faults.push(`wastedPicoUsd is ${receipt.wastedPicoUsd ?? 'null'}, but its attempts make ${again.wastedPicoUsd}`);
  }
  if (faults.length > 0) return faults.map((fault) => wrong('sums', `receipt ${receipt.receiptId}: ${fault}`));
  return [good('sums', `its attempts (${receipt.attempts.length}) make the totals, tokens and statuses that it says`)];
}

function checkTime({ receiptId, acceptedAt }: Receipt): readonly string[] {
  const id = parseReceiptId(receiptId);
  const inside = id === null ? acceptedAt : new Date(receiptTimeMs(id)).toISOString();
  return inside === acceptedAt ? [] : [`acceptedAt is ${acceptedAt}, but the time inside its id is ${inside}`];
}

function checkNumbers({ attempts }: Receipt): readonly string[] {
  const missing = attempts.findIndex(({ n }, at) => n !== at + 1);
  if (missing < 0) return [];
  return [
    `attempts[${missing}].n is ${attempts[missing]?.n}, but must be ${missing + 1}: an attempt is missing or moved`,
  ];
}

/** JSON with the names of an object in order. */
function inOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  const entries = Object.entries(value).filter(([, each]) => each !== 0);
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}
