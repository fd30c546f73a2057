import type { NewRecord, StoredRecord } from './event-record.js';
import { EVENT_TOPIC, type EventData, type EventType, type RouterEvent } from './router-event.js';

/** CloudEvents `source` of everything this product writes. */
export const EVENT_SOURCE = 'nextmodel/gateway';
const SCHEMA_VERSION = '1';

/**
 * Makes the record of one event. The JSON text made here is what is hashed, stored and proved: nobody re-serialises it.
 * @param id the same for the same fact, so that a fact written twice can be seen as one.
 * @param key partition and compaction key; the receipt id for everything that belongs to a receipt.
 */
export function encodeEvent<T extends EventType>(
  type: T,
  id: string,
  key: string,
  time: string,
  data: EventData[T],
): NewRecord {
  return {
    topic: EVENT_TOPIC[type],
    key,
    value: JSON.stringify(data),
    headers: {
      ce_id: id,
      ce_type: type,
      ce_source: EVENT_SOURCE,
      ce_time: time,
      ce_schemaversion: SCHEMA_VERSION,
    },
  };
}

export type Decoded =
  | { readonly ok: true; readonly event: RouterEvent }
  /** `unknown_type` may be from a newer writer; `malformed` never becomes readable. Both go to the dead letters. */
  | { readonly ok: false; readonly reason: 'unknown_type' | 'malformed'; readonly detail: string };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads a stored record. Never throws: what it dislikes is in the result. */
export function decodeEvent(record: Pick<StoredRecord, 'headers' | 'value' | 'topic'>): Decoded {
  const type = record.headers['ce_type'];
  if (type === undefined || !Object.hasOwn(EVENT_TOPIC, type)) {
    return { ok: false, reason: 'unknown_type', detail: `ce_type ${type ?? '(none)'}` };
  }
  if (record.headers['ce_schemaversion'] !== SCHEMA_VERSION) {
    return { ok: false, reason: 'unknown_type', detail: `schema version ${record.headers['ce_schemaversion']}` };
  }
  let data: unknown;
  try {
    data = JSON.parse(decoder.decode(record.value));
  } catch (error) {
    return { ok: false, reason: 'malformed', detail: error instanceof Error ? error.name : 'not JSON' };
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { ok: false, reason: 'malformed', detail: 'not a JSON object' };
  }
  const missing = REQUIRED[type as EventType].find(
    (field) => typeof (data as Record<string, unknown>)[field] !== 'string',
  );
  if (missing !== undefined) return { ok: false, reason: 'malformed', detail: `no ${missing}` };
  const event = {
    type,
    id: record.headers['ce_id'] ?? '',
    source: record.headers['ce_source'] ?? '',
    time: record.headers['ce_time'] ?? '',
    data,
  } as RouterEvent;
  return { ok: true, event };
}

/** The fields without which an event cannot be attributed to anything. */
const REQUIRED: { readonly [T in EventType]: readonly string[] } = {
  'nextmodel.request.accepted.v1': ['receiptId', 'tenantId', 'apiKeyId'],
  'nextmodel.attempt.started.v1': ['receiptId', 'provider', 'model'],
  'nextmodel.attempt.finished.v1': ['receiptId', 'provider', 'model'],
  'nextmodel.response.completed.v1': ['receiptId', 'status'],
  'nextmodel.receipt.sealed.v1': ['receiptId', 'tenantId', 'acceptedAt', 'status'],
  'nextmodel.receipt.adjusted.v1': ['receiptId', 'tenantId', 'deltaPicoUsd'],
  'nextmodel.content.stored.v1': ['receiptId', 'tenantId', 'scope', 'sealed'],
  'nextmodel.cache.invalidated.v1': ['tenantId'],
  'nextmodel.apikey.created.v1': ['keyId', 'digest', 'tenantId'],
  'nextmodel.apikey.revoked.v1': ['keyId'],
  'nextmodel.price.published.v1': ['priceId', 'record'],
  'nextmodel.policy.published.v1': ['policyHash'],
  'nextmodel.subject.erased.v1': ['tenantId', 'subject'],
  'nextmodel.checkpoint.published.v1': ['origin', 'note'],
};
