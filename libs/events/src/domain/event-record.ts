/** An event on its way into the log. `value` is the JSON text whose UTF-8 bytes are kept for ever. */
export interface NewRecord {
  readonly topic: string;
  /** Receipt id, unless the catalogue says otherwise. Decides the Kafka partition and what compaction keeps. */
  readonly key: string;
  readonly value: string | Uint8Array;
  /** CloudEvents attributes in binary mode: `ce_id`, `ce_type`, `ce_source`, `ce_time`, `ce_schemaversion`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An event as the log gives it back. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  /** Position within topic and partition: 0, 1, 2, … Gaps are legal after retention. */
  readonly offset: bigint;
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}
