/** Where a batch is cut. Ranges are closed: `first` and `last` belong to them. */
export interface OffsetRange {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** Receipts per insert at most, and the grid of its edges. */
export const BLOCK_SIZE = 5_000n;

/**
 * Cuts records into the pieces of single inserts: at every multiple of the block size, so that a backlog is always cut
 * the same way whoever reads it, and around the range that a crashed process was writing. Pure.
 */
export function cutIntoChunks<T extends { readonly offset: bigint }>(
  records: readonly T[],
  pending: OffsetRange | null,
  blockSize: bigint = BLOCK_SIZE,
): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  for (const record of records) {
    const before = chunk.at(-1);
    const edge =
      before !== undefined &&
      (record.offset / blockSize !== before.offset / blockSize ||
        (pending !== null &&
          ((before.offset < pending.firstOffset && record.offset >= pending.firstOffset) ||
            (before.offset <= pending.lastOffset && record.offset > pending.lastOffset))));
    if (edge) {
      chunks.push(chunk);
      chunk = [];
    }
    chunk.push(record);
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
