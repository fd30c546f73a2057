/** Text to a unit vector. */
export interface Embedder {
  /** Model hash + runtime + version: vectors of different ids are not comparable. */
  readonly id: string;
  readonly dimensions: number;
  /** `null` when the text has no words it knows anything about. */
  embed(text: string): Promise<Float32Array | null> | Float32Array | null;
}
