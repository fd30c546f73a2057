import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';

/** The id holds its time, which is part of the key: no index needed; the id alone is the fall-back. */
export const WHERE_ID = [
  'tenant_id = {t:String} AND ts = fromUnixTimestamp64Milli({ms:Int64}) AND receipt_id = {r:UUID}',
  'tenant_id = {t:String} AND receipt_id = {r:UUID}',
];

export const idParameters = (tenantId: string, receiptId: string): { t: string; r: string; ms: number } => ({
  t: tenantId,
  r: receiptId,
  ms: receiptTimeMs(receiptId as ReceiptId),
});
