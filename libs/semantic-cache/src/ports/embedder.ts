/** How a call to an embedding service ended; nothing of the text is in it. */
export interface EmbeddingEnd {
  /** `unreached`: not a byte of the text went out. `broken`: it may have arrived. `bad_answer`: 200, but no vector. */
  readonly outcome: 'ok' | 'refused' | 'unreached' | 'timeout' | 'broken' | 'bad_answer';
  /** 0 when no status line came. */
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The service's usage block, untouched; `null` when it sent none. */
  readonly usage: unknown;
}

/** Told of a call while it happens, so that it can stand on the receipt of the request that needed it. */
export interface EmbeddingWatch {
  /** Awaited before a byte goes out. A rejection means that nothing is sent. */
  started(): Promise<void>;
  finished(end: EmbeddingEnd): void;
}

/** Text to a unit vector. */
export interface Embedder {
  /** Model hash + runtime + version: vectors of different ids are not comparable. */
  readonly id: string;
  readonly dimensions: number;
  /**
   * Each text is a call that somebody bills. So texts are embedded for requests only, whose receipts show the call;
   * stored answers carry the vector that their request paid for. Absent = computed here, for nothing.
   */
  readonly remote?: boolean;
  /** `null` when the text has no words it knows anything about. */
  embed(text: string, watch?: EmbeddingWatch): Promise<Float32Array | null> | Float32Array | null;
}
