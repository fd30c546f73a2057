import { showReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { CommitmentSalts as Salts } from '#semantic-cache/ports/content-cipher.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import type { CommitmentSalts } from './verify/evidence.js';

const RETRY_MS = 1_000;

/**
 * The salts of a receipt's commitments. Whoever has them can try out guesses of a short prompt, so they go to keys of
 * the receipt's tenant alone, and into no other answer, log or file. After an erasure of the subject there are none.
 * @throws RouterError `store_unavailable` while the store of keys is away, or another process has not handed it the key.
 */
export async function commitmentSalts(cipher: GatewayParts['cipher'], receipt: Receipt): Promise<CommitmentSalts> {
  const { receiptId, responseCommitment } = receipt;
  const salts = await saltsOf(cipher, receipt);
  return {
    object: 'receipt.salts',
    id: showReceiptId(receiptId),
    state: salts === null ? 'destroyed' : 'present',
    request_salt: hex(salts?.request),
    response_salt: responseCommitment === null ? null : hex(salts?.response),
  };
}

async function saltsOf(
  cipher: GatewayParts['cipher'],
  { receiptId, saltKeyId, tenantId, acceptedAt }: Receipt,
): Promise<Pick<Salts, 'request' | 'response'> | null> {
  if (saltKeyId === undefined) {
    const derived = (purpose: string): Uint8Array => cipher.salt(tenantId, `${receiptId}/${purpose}`);
    return { request: derived('request'), response: derived('response') };
  }
  if ((await cipher.keyState(saltKeyId, Date.parse(acceptedAt))) === 'awaited') {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: 'The gateway that took the request has not handed its key over yet; ask again.',
      httpStatus: 503,
      retryable: true,
      retryAfterMs: RETRY_MS,
    });
  }
  return cipher.openSaltKey(saltKeyId)?.saltsOf(receiptId) ?? null;
}

function hex(salt: Uint8Array | undefined): string | null {
  return salt === undefined ? null : Buffer.from(salt).toString('hex');
}
