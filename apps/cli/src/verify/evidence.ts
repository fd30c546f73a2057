import type { TileReader } from '#transparency/ports/tile-store.js';

/** All that a receipt is verified with. */
export interface Evidence {
  readonly event: Uint8Array;
  readonly proof: string;
  /** Verifier keys, one a line. */
  readonly keys: string;
  /** Tiles of the running instance; `null` offline. */
  readonly tiles: ((origin: string) => TileReader) | null;
}
