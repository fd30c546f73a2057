import { fromBase64, toBase64 } from './base64.js';
import { parseNote, type SignedNote } from './signed-note.js';
import { HASH_BYTES } from './tree-hash.js';

/** A tree head: all that a log says about itself (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Names the log, `<operator>/receipts/<partition>`. */
  readonly origin: string;
  /** Leaves in the tree. */
  readonly size: number;
  readonly root: Uint8Array;
}

/** The text that is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** A size or an index: decimal, no leading zeros. `null` for anything else and for what a number cannot hold. */
export function parseCount(text: string): number | null {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
}

/** @returns a text that says what is wrong when it is no signed checkpoint. Signatures are not checked. */
export function parseCheckpoint(text: string): { readonly checkpoint: Checkpoint; readonly note: SignedNote } | string {
  const note = parseNote(text);
  if (typeof note === 'string') return note;
  const lines = note.text.slice(0, -1).split('\n');
  const [origin = '', sizeText = '', rootText = ''] = lines;
  if (lines.length < 3 || lines.includes('')) return 'a checkpoint has the lines origin, size and root';
  const size = parseCount(sizeText);
  if (size === null) return `"${sizeText.slice(0, 40)}" is no tree size`;
  const root = fromBase64(rootText);
  if (root?.length !== HASH_BYTES) return 'the root is not base64 of 32 bytes';
  return { checkpoint: { origin, size, root }, note };
}
