import type { EmbeddedQuestion } from '../domain/cache-question.js';
import type { Embedder } from '../ports/embedder.js';

/** A vector as it is kept beside a stored answer. */
export function packVector({ id }: Embedder, vector: Float32Array): EmbeddedQuestion {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return { embedderId: id, vector: bytes.toString('base64') };
}

/** @returns `null` when it is of another embedder, or damaged: the entry then matches by its text only. */
export function unpackVector({ id, dimensions }: Embedder, kept: EmbeddedQuestion | undefined): Float32Array | null {
  if (kept === undefined || kept.embedderId !== id) return null;
  const bytes = Buffer.from(kept.vector, 'base64');
  if (bytes.length !== dimensions * Float32Array.BYTES_PER_ELEMENT) return null;
  // Copied: a pooled buffer need not start where a float may.
  const vector = new Float32Array(new Uint8Array(bytes).buffer);
  return vector.every((x) => Number.isFinite(x)) ? vector : null;
}
