import { parseCheckpoint } from '../domain/checkpoint.js';
import { addCosigned, type CosignedParts } from '../domain/cosigned-notes.js';
import type { TileStore } from '../ports/tile-store.js';

export interface KeepCosignedParts extends Pick<CosignedParts, 'witnesses' | 'verify'> {
  /** A log of ours, by its origin; `null` for strange ones. */
  readonly logOf: (origin: string) => { readonly key: CosignedParts['logKey']; readonly store: TileStore } | null;
}

/** Keeps cosigned checkpoints beside the log's own, one after the other: they come from several sides. */
export class CosignedKeeper {
  readonly #parts: KeepCosignedParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: KeepCosignedParts) {
    this.#parts = parts;
  }

  /**
   * Takes one note with the log's signature and cosignatures of known witnesses. The same again changes nothing.
   * Rejects with what is wrong with the note.
   */
  add(note: string): Promise<void> {
    const added = this.#last.then(() => this.#add(note));
    this.#last = added.catch(() => undefined);
    return added;
  }

  async #add(note: string): Promise<void> {
    const parsed = parseCheckpoint(note);
    if (typeof parsed === 'string') throw new Error(parsed);
    const log = this.#parts.logOf(parsed.checkpoint.origin);
    if (log === null) throw new Error(`${parsed.checkpoint.origin} is no log of this installation`);
    const { witnesses, verify } = this.#parts;
    const held = await log.store.readCosigned();
    const next = addCosigned(held, note, { logKey: log.key, witnesses, verify });
    if (typeof next === 'string') throw new Error(next);
    if (next.join() !== held.join()) await log.store.writeCosigned(next);
  }
}
