import { fromBase64, toBase64 } from './base64.js';
import { parseCount } from './checkpoint.js';
import { HASH_BYTES } from './tree-hash.js';

/** Shows, without any network, that an entry is in a log (C2SP `tlog-proof@v1`). */
export interface LogProof {
  /** Position of the entry, from 0. */
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
}

const MAGIC = 'c2sp.org/tlog-proof@v1';
const HASHES_MAX = 63;

export function formatLogProof({ index, hashes, checkpoint }: LogProof): string {
  const lines = hashes.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${MAGIC}\nindex ${index}\n${lines}\n${checkpoint}`;
}

/** @returns a text that names the line that is wrong. Nothing is verified. */
export function parseLogProof(text: string): LogProof | string {
  const end = text.indexOf('\n\n');
  if (end < 0) return 'no blank line before the checkpoint: the file was cut or is no proof';
  const lines = text.slice(0, end).split('\n');
  if (lines[0] !== MAGIC) return `line 1 is not "${MAGIC}"`;
  let at = 1;
  const extra = /^extra (.*)$/.exec(lines[at] ?? '');
  if (extra !== null) {
    if (fromBase64(extra[1] ?? '') === null) return 'line 2: the extra data is not base64';
    at += 1;
  }
  const index = parseCount(/^index (.*)$/.exec(lines[at] ?? '')?.[1] ?? '');
  if (index === null) return `line ${at + 1} is not "index <number>"`;
  at += 1;
  const hashes: Uint8Array[] = [];
  for (; at < lines.length; at += 1) {
    const hash = fromBase64(lines[at] ?? '');
    if (hash?.length !== HASH_BYTES) return `line ${at + 1} is not base64 of a hash of 32 bytes`;
    hashes.push(hash);
  }
  if (hashes.length > HASHES_MAX) return `${hashes.length} hashes are more than any proof has`;
  return { index, hashes, checkpoint: text.slice(end + 2) };
}
