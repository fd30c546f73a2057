import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';

/**
 * What also happens to requests, chosen by the last digits of the id: 2 in 100 refused before any call, 2 left by their
 * client, 1 cut by the provider, 1 whose outcome nobody knows. Sums stay those of the attempts.
 */
export function variedReceipt(receipt: Receipt): Receipt {
  const lot = Number.parseInt(receipt.receiptId.slice(-4), 16) % 100;
  if (lot < 2) return refused(receipt);
  const [only] = receipt.attempts;
  if (lot > 5 || receipt.attempts.length !== 1 || only?.status !== 'ok') return receipt;
  if (lot < 4) return left(receipt, only);
  return lot === 4 ? cut(receipt, only) : unknown(receipt, only);
}

const FREE = { costPicoUsd: '0', wastedPicoUsd: '0', avoidedPicoUsd: '0', baselinePicoUsd: null, meters: {} } as const;

function refused(receipt: Receipt): Receipt {
  return {
    ...receipt,
    ...FREE,
    servedModel: null,
    provider: null,
    status: 'rejected',
    httpStatus: 429,
    errorCode: 'rate_limit_exceeded',
    finishReason: null,
    streamComplete: receipt.streamed ? false : null,
    cache: { result: 'off', similarity: null, sourceReceiptId: null, ageSeconds: null, reason: null },
    latencyMs: 1,
    timeToFirstTokenMs: null,
    usageSource: 'none',
    costStatus: 'free',
    responseCommitment: null,
    attempts: [],
  };
}

/** The usage is an estimate, and what it cost bought no answer. */
function left(receipt: Receipt, only: AttemptLine): Receipt {
  const costStatus = only.costPicoUsd === null ? 'unpriced' : 'estimated';
  return {
    ...receipt,
    status: 'aborted',
    httpStatus: 499,
    errorCode: 'client_closed_request',
    finishReason: null,
    streamComplete: receipt.streamed ? false : null,
    usageSource: 'estimated',
    costStatus,
    wastedPicoUsd: only.costPicoUsd,
    attempts: [
      {
        ...only,
        status: 'aborted',
        errorCode: 'client_closed_request',
        usageSource: 'estimated',
        usageFlags: ['estimated_from_text'],
        usageRaw: null,
        costStatus,
      },
    ],
  };
}

function cut(receipt: Receipt, only: AttemptLine): Receipt {
  return {
    ...receipt,
    streamed: true,
    status: 'truncated',
    errorCode: 'upstream_disconnected',
    finishReason: null,
    streamComplete: false,
    attempts: [{ ...only, errorCode: 'upstream_disconnected' }],
  };
}

function unknown(receipt: Receipt, only: AttemptLine): Receipt {
  return {
    ...receipt,
    ...FREE,
    costPicoUsd: null,
    wastedPicoUsd: null,
    status: 'unknown',
    httpStatus: 0,
    errorCode: 'internal',
    finishReason: null,
    streamComplete: receipt.streamed ? false : null,
    usageSource: 'none',
    costStatus: 'unpriced',
    responseCommitment: null,
    attempts: [
      {
        ...only,
        status: 'unknown',
        httpStatus: 0,
        errorCode: 'internal',
        movedOn: 'process_died',
        providerRequestId: null,
        billed: 'unknown',
        meters: {},
        usageSource: 'none',
        usageFlags: ['process_died'],
        usageRaw: null,
        costStatus: 'unpriced',
        lines: [],
        costPicoUsd: null,
        costNativePico: null,
        priceId: null,
        priceHash: null,
      },
    ],
  };
}
