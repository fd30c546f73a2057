import { parseCheckpoint } from './checkpoint.js';
import { readCosignature } from './cosignature.js';
import { checkNote, formatNote, type NoteSignature, type VerifySignature } from './signed-note.js';
import type { VerifierKey } from './verifier-key.js';

/** Whom a log knows: itself, and its witnesses. */
export interface CosignedParts {
  readonly logKey: VerifierKey;
  readonly witnesses: readonly VerifierKey[];
  readonly verify: VerifySignature;
}

interface Cosigned {
  readonly note: string;
  readonly text: string;
  readonly size: number;
  /** By witness, in the order of the keys. */
  readonly lines: ReadonlyMap<string, { readonly atS: number; readonly signature: NoteSignature }>;
}

const NOTES_MAX = 16;

/**
 * Puts a checkpoint with cosignatures to those that are held. Two with the same text become one with the signatures of
 * both; one goes when another at least as large has the signatures of all its witnesses. Signatures of strangers are
 * left out.
 * @returns the notes to hold, largest first, or a text that says why the new one is not taken.
 */
export function addCosigned(held: readonly string[], note: string, parts: CosignedParts): readonly string[] | string {
  const fresh = readCosigned(note, parts);
  if (typeof fresh === 'string') return fresh;
  const before = held.map((each) => readCosigned(each, parts)).filter((each) => typeof each !== 'string');
  const same = before.find(({ text }) => text === fresh.text);
  const merged = same === undefined ? fresh : mergeInto(same, fresh, parts);
  const all = [merged, ...before.filter((each) => each !== same)].toSorted((a, b) => b.size - a.size);
  const needed = all.filter(
    (each, at) => !all.some((other, place) => place !== at && replaces(other, place, each, at)),
  );
  return needed.slice(0, NOTES_MAX).map(({ note: text }) => text);
}

/** The note to prove an entry with: the one that most witnesses have signed, the larger of two. `null` = none has it. */
export function bestCosigned(held: readonly string[], index: number): string | null {
  let best: { readonly note: string; readonly size: number; readonly signatures: number } | null = null;
  for (const note of held) {
    const parsed = parseCheckpoint(note);
    if (typeof parsed === 'string') continue;
    const { size } = parsed.checkpoint;
    const signatures = parsed.note.signatures.length;
    if (size <= index || (best !== null && (signatures - best.signatures || size - best.size) <= 0)) continue;
    best = { note, size, signatures };
  }
  return best?.note ?? null;
}

/** Several notes in one text, each with an empty line behind it, as the export of checkpoints writes them. */
export function splitNotes(text: string): readonly string[] {
  const blocks = text.split('\n\n').filter((block) => block.trim() !== '');
  const notes: string[] = [];
  for (let at = 0; at < blocks.length; at += 2) {
    notes.push(`${blocks[at]}\n\n${blocks[at + 1] ?? ''}`.replace(/\n*$/, '\n'));
  }
  return notes;
}

export const joinNotes = (notes: readonly string[]): string => notes.map((note) => `${note}\n`).join('');

function readCosigned(note: string, { logKey, witnesses, verify }: CosignedParts): Cosigned | string {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') return parsed;
  const { origin, size } = parsed.checkpoint;
  if (origin !== logKey.name) return `the checkpoint is of ${origin}, not of ${logKey.name}`;
  const signer = checkNote(parsed.note, [logKey], verify);
  if (typeof signer === 'string') return signer;
  const lines: Map<string, { readonly atS: number; readonly signature: NoteSignature }> = new Map();
  for (const key of witnesses) {
    const cosignature = readCosignature(parsed.note, key, verify);
    if (cosignature.kind === 'wrong') return `the cosignature of ${key.name} does not fit`;
    if (cosignature.kind === 'seen') lines.set(key.name, cosignature);
  }
  if (lines.size === 0) return 'no known witness has signed it';
  const own = parsed.note.signatures.filter(({ name, id }) => name === signer.name && id.join() === signer.id.join());
  const { text } = parsed.note;
  const signatures = [...own.slice(0, 1), ...[...lines.values()].map(({ signature }) => signature)];
  return { note: formatNote({ text, signatures }), text, size, lines };
}

function mergeInto(a: Cosigned, b: Cosigned, parts: CosignedParts): Cosigned {
  const lines = parts.witnesses.flatMap(({ name }) => {
    const [one, other] = [a.lines.get(name), b.lines.get(name)];
    const newer = (other?.atS ?? 0) >= (one?.atS ?? 0) ? other : one;
    return newer === undefined ? [] : [newer.signature];
  });
  const parsed = parseCheckpoint(a.note);
  const own = typeof parsed === 'string' ? [] : parsed.note.signatures.slice(0, 1);
  const merged = readCosigned(formatNote({ text: a.text, signatures: [...own, ...lines] }), parts);
  return typeof merged === 'string' ? b : merged;
}

/** Of two that say the same of the same witnesses, the first stays. */
function replaces(other: Cosigned, place: number, each: Cosigned, at: number): boolean {
  if (other.size < each.size || ![...each.lines.keys()].every((name) => other.lines.has(name))) return false;
  return other.size > each.size || other.lines.size > each.lines.size || place < at;
}
