import { showReceiptId } from '#events/domain/ids.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import type { EvidenceBundle, SqlReading } from './verify/evidence.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Everything that proves one receipt in one file: for auditors, who need no access to the instance then. Holds what the
 * receipt holds, so it is for whom the tenant gives it to; salts and bodies are not in it.
 * @returns `null` while the receipt is not under a signed checkpoint; ask again in a second.
 */
export async function collectEvidence(
  parts: Pick<GatewayParts, 'transparency' | 'prices' | 'store'>,
  leaf: StoredRecord,
): Promise<EvidenceBundle | null> {
  const proof = await parts.transparency.prove(leaf);
  if (proof.kind === 'not_sequenced') return null;
  const event = decoder.decode(leaf.value);
  const receipt = JSON.parse(event) as Receipt;
  const hashes = new Set(receipt.attempts.flatMap(({ priceHash }) => (priceHash === null ? [] : [priceHash])));
  return {
    object: 'receipt.evidence',
    version: 1,
    id: showReceiptId(receipt.receiptId),
    log: `receipts/${leaf.partition}`,
    log_index: leaf.offset.toString(),
    event,
    proof: proof.proof,
    keys: await parts.transparency.keys(),
    prices: [...hashes].flatMap((hash) => parts.prices.recordText(hash) ?? []),
    sql: await readSql(parts, receipt, leaf),
  };
}

/** A row is missing only once SQL has everything up to its place. */
async function readSql(
  { store }: Pick<GatewayParts, 'store'>,
  { tenantId, receiptId }: Receipt,
  { partition, offset }: StoredRecord,
): Promise<SqlReading> {
  const unavailable: SqlReading = { state: 'unavailable', receipt: null };
  if (store === null) return unavailable;
  try {
    const stored = await store.lastOffset(partition);
    const receipt = await store.find(tenantId, receiptId);
    if (receipt !== null) return { state: 'present', receipt };
    return stored !== null && stored >= offset ? { state: 'missing', receipt: null } : unavailable;
  } catch {
    return unavailable;
  }
}
