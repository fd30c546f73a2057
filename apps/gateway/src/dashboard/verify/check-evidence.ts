import type { Receipt } from '#events/domain/receipt.js';
import { parsePriceRecord, type PriceRecord } from '#pricing/domain/price-record.js';
import { checkCost, readReceiptEvent } from '#transparency/domain/check-cost.js';
import { checkInclusion, type Crypto } from '#transparency/domain/check-inclusion.js';
import type { Checkpoint } from '#transparency/domain/checkpoint.js';
import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';
import { toHex, type Digest } from '#transparency/domain/tree-hash.js';
import { checkBodies } from './check-bodies.js';
import { checkFields } from './check-fields.js';
import { checkPriceRecords } from './check-price-records.js';
import { checkSql } from './check-sql.js';
import { checkSums } from './check-sums.js';
import type { Evidence } from './evidence.js';

export interface EvidenceCheck {
  readonly findings: readonly Finding[];
  /** `rcpt_<uuid>` as the event says; `null` when it cannot be read. */
  readonly receiptId: string | null;
  /** `null` for adjustments and for events that cannot be read. */
  readonly receipt: Receipt | null;
  /** Of the proof; `null` unless it is signed by a given key. */
  readonly checkpoint: Checkpoint | null;
}

/**
 * Verifies a receipt by its evidence alone. Pure: no network, no clock; the command line and the page both call it.
 * @param id the receipt that was asked for, with or without `rcpt_`; `null` = whichever it is.
 */
export function checkEvidence(evidence: Evidence, id: string | null, crypto: Crypto): EvidenceCheck {
  const inclusion = checkInclusion(evidence.event, evidence.proof, evidence.keys, crypto);
  const proved = [...checkKeySource(evidence, crypto.digest), ...inclusion.findings];
  const event = readReceiptEvent(evidence.event);
  const of = { checkpoint: inclusion.checkpoint, receipt: null };
  if (event.kind === 'unreadable') {
    return { ...of, findings: [...proved, wrong('receipt', event.reason)], receiptId: null };
  }
  if (event.kind === 'adjusted') {
    const detail = `an adjustment of ${event.receiptId} by ${event.deltaPicoUsd} picodollars`;
    return { ...of, findings: [...proved, good('receipt', detail)], receiptId: `rcpt_${event.receiptId}` };
  }
  const { receipt } = event;
  const findings = [...proved, checkName(receipt, id), ...checkContent(receipt, evidence, crypto.digest)];
  return { ...of, findings, receipt, receiptId: `rcpt_${receipt.receiptId}` };
}

/** sha256 of a verifier key's line, hex: short enough to compare over the telephone. */
export function keyFingerprint(keyLine: string, digest: Digest): string {
  return toHex(digest(new TextEncoder().encode(keyLine.trim())));
}

/** A key that came with the evidence proves nothing about who made it. */
function checkKeySource({ keys, keysFrom }: Evidence, digest: Digest): readonly Finding[] {
  if (keysFrom === 'given') return [];
  const lines = keys.split('\n').filter((line) => line.trim() !== '');
  const shown = lines.map((line) => `${line.slice(0, line.indexOf('+'))} ${keyFingerprint(line, digest)}`).join(', ');
  return [
    unknown(
      'key',
      `the key came with the evidence: compare its sha256 with the one you were given elsewhere (${shown})`,
    ),
  ];
}

function checkName(receipt: Receipt, id: string | null): Finding {
  const bare = id?.replace(/^rcpt_/, '') ?? receipt.receiptId;
  if (bare !== receipt.receiptId) {
    return wrong('receipt', `the event is of rcpt_${receipt.receiptId}, not of rcpt_${bare}`);
  }
  const { tenantId, acceptedAt, status } = receipt;
  return good('receipt', `says it is rcpt_${receipt.receiptId} of tenant ${tenantId}, ${acceptedAt}, ${status}`);
}

function checkContent(receipt: Receipt, evidence: Evidence, digest: Digest): readonly Finding[] {
  const fields = checkFields(receipt);
  // Numbers are added up only where there are numbers; a missing field has been named by then.
  if (fields.some(({ state }) => state === 'wrong')) return fields;
  return [
    ...fields,
    ...checkSums(receipt),
    ...checkCost(receipt),
    ...checkPriceTexts(receipt, evidence.prices, digest),
    ...(evidence.sql === null ? [] : checkSql(receipt, evidence.sql)),
    ...(evidence.bodies === null ? [] : checkBodies(receipt, evidence.bodies, digest)),
  ];
}

function checkPriceTexts(receipt: Receipt, texts: readonly string[], digest: Digest): readonly Finding[] {
  if (texts.length === 0) return [];
  const records: PriceRecord[] = [];
  for (const text of texts) {
    const record = parsePriceRecord(text.trim());
    if (record === null) return [wrong('price', 'a price record cannot be read: it was changed or cut')];
    records.push(record);
  }
  return checkPriceRecords(receipt, records, digest);
}
