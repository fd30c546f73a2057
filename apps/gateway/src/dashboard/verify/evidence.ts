import type { Receipt } from '#events/domain/receipt.js';

/** What the SQL view has of the receipt, as it was read when the evidence was collected. */
export type SqlReading =
  | { readonly state: 'present'; readonly receipt: Receipt }
  /** `missing`: SQL answered and has no such row. `unavailable`: it was not asked, or did not answer. */
  | { readonly state: 'missing' | 'unavailable'; readonly receipt: null };

/** Bodies and salts: what shows that a receipt is about a certain question and answer. */
export interface BodyEvidence {
  /** 16 bytes as hex; `null` where none was given. */
  readonly requestSalt: string | null;
  readonly responseSalt: string | null;
  /** The bytes that were sent and received; `null` where none were given. */
  readonly request: Uint8Array | null;
  readonly response: Uint8Array | null;
}

/** All that a receipt is verified with. Only event, proof and keys are needed. */
export interface Evidence {
  /** The exact bytes of the event: the leaf of the log. */
  readonly event: Uint8Array;
  /** A `tlog-proof@v1` file. */
  readonly proof: string;
  /** Verifier keys, one a line. */
  readonly keys: string;
  /** `bundle`: whoever made the evidence also named the key; people must then compare its fingerprint. */
  readonly keysFrom: 'given' | 'bundle';
  /** Exact texts of price records. */
  readonly prices: readonly string[];
  readonly sql: SqlReading | null;
  readonly bodies: BodyEvidence | null;
}

export const NO_EXTRAS: Pick<Evidence, 'prices' | 'sql' | 'bodies'> = { prices: [], sql: null, bodies: null };

/** The JSON of `GET /v1/receipts/{id}/evidence`: everything about one receipt in one file, salts and bodies left out. */
export interface EvidenceBundle {
  readonly object: 'receipt.evidence';
  readonly version: 1;
  /** `rcpt_<uuid>`. */
  readonly id: string;
  /** `receipts/<partition>` and the position in it. */
  readonly log: string;
  readonly log_index: string;
  /** The event's bytes as text; UTF-8 of it are the leaf. */
  readonly event: string;
  readonly proof: string;
  readonly keys: string;
  readonly prices: readonly string[];
  readonly sql: SqlReading;
}

const encoder = new TextEncoder();
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

/** @returns the evidence, or a text that says why this is no bundle. */
export function parseBundle(text: string): Evidence | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the evidence is no JSON text';
  }
  const bundle = (typeof value === 'object' && value !== null ? value : {}) as Partial<EvidenceBundle>;
  if (bundle.object !== 'receipt.evidence') return 'the file is no receipt.evidence';
  if (bundle.version !== 1) return `evidence of version ${String(bundle.version)} is not known here`;
  for (const name of ['event', 'proof', 'keys'] as const) {
    if (typeof bundle[name] !== 'string') return `the evidence has no ${name}`;
  }
  const sql = bundle.sql;
  return {
    event: encoder.encode(bundle.event),
    proof: bundle.proof as string,
    keys: bundle.keys as string,
    keysFrom: 'bundle',
    prices: isTexts(bundle.prices) ? bundle.prices : [],
    sql: sql?.state === 'present' || sql?.state === 'missing' ? sql : null,
    bodies: null,
  };
}

/** The JSON of `GET /v1/receipts/{id}/salts`. */
export interface CommitmentSalts {
  readonly object: 'receipt.salts';
  readonly id: string;
  /** `destroyed`: the subject was erased, or its key was lost; nobody can compare a body any more. */
  readonly state: 'present' | 'destroyed';
  readonly request_salt: string | null;
  readonly response_salt: string | null;
}

const isSalt = (salt: unknown): salt is string | null =>
  salt === null || (typeof salt === 'string' && /^[0-9a-f]{32}$/.test(salt));

/** @returns both salts, or a text that says what is wrong. */
export function parseSalts(text: string): Pick<BodyEvidence, 'requestSalt' | 'responseSalt'> | string {
  let value: Partial<CommitmentSalts> | null;
  try {
    value = JSON.parse(text) as Partial<CommitmentSalts> | null;
  } catch {
    return 'the salts are no JSON text';
  }
  if (value?.state === 'destroyed') return { requestSalt: null, responseSalt: null };
  const { request_salt: requestSalt = null, response_salt: responseSalt = null } = value ?? {};
  if (!isSalt(requestSalt) || !isSalt(responseSalt)) return 'a salt is 32 hex digits';
  if (requestSalt === null && responseSalt === null) return 'the file has no salt';
  return { requestSalt, responseSalt };
}
