/** What is kept of an answer, to be sent again byte for byte; the plain text of what the store holds. */
export interface StoredAnswer {
  /** The receipt of the request that was answered first. */
  readonly receiptId: string;
  readonly provider: string | null;
  readonly model: string | null;
  /** Wall clock when it was whole. */
  readonly madeMs: number;
  /** The JSON text, or the data of all events of a stream. */
  readonly body: string | readonly string[];
}

/** @returns `null` when the text is no such thing. */
export function parseStoredAnswer(text: string): StoredAnswer | null {
  let value: Partial<StoredAnswer> | null;
  try {
    value = JSON.parse(text) as Partial<StoredAnswer> | null;
  } catch {
    return null;
  }
  if (typeof value?.receiptId !== 'string' || typeof value.madeMs !== 'number') return null;
  return typeof value.body === 'string' || Array.isArray(value.body) ? (value as StoredAnswer) : null;
}
