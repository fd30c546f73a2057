import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { good, wrong, type Finding } from './finding.js';
import { parseLogProof } from './log-proof.js';
import { rootFromInclusion } from './merkle-proof.js';
import { checkNote, type VerifySignature } from './signed-note.js';
import { createTreeHash, sameBytes, toHex, type Digest } from './tree-hash.js';
import { isSameKey, parseVerifierKey, type VerifierKey } from './verifier-key.js';

export interface Crypto {
  readonly digest: Digest;
  readonly verify: VerifySignature;
}

export interface InclusionCheck {
  readonly findings: readonly Finding[];
  /** Of the proof; `null` unless it is signed by a given key. */
  readonly checkpoint: Checkpoint | null;
}

/**
 * Is the event, byte for byte, in the log that the proof's checkpoint is of, signed by one of the keys? Pure: needs
 * nothing but these texts.
 * @param keys lines of text; one key each.
 */
export function checkInclusion(event: Uint8Array, proofText: string, keys: string, crypto: Crypto): InclusionCheck {
  const proof = parseLogProof(proofText);
  if (typeof proof === 'string') return failed(wrong('proof', proof));
  const signed = checkSignedCheckpoint(proof.checkpoint, keys, crypto);
  if (signed.checkpoint === null) return signed;
  const { checkpoint } = signed;
  const hash = createTreeHash(crypto.digest);
  const leaf = hash.leaf(event);
  const root = rootFromInclusion(proof.index, checkpoint.size, leaf, proof.hashes, hash);
  const place = `index ${proof.index} of ${checkpoint.size}`;
  if (root === null) {
    const finding = wrong(
      'proof',
      `${proof.hashes.length} hashes do not fit ${place}: the index, or a line, was changed`,
    );
    return { findings: [...signed.findings, finding], checkpoint };
  }
  if (!sameBytes(root, checkpoint.root)) {
    const finding = wrong(
      'inclusion',
      `the event (leaf hash ${toHex(leaf)}) is not the one at ${place}: it leads to root ${toHex(root)}, but ${toHex(checkpoint.root)} was signed; the event, the index or a hash of the proof was changed`,
    );
    return { findings: [...signed.findings, finding], checkpoint };
  }
  const finding = good('inclusion', `the event (leaf hash ${toHex(leaf)}) is at ${place}, under root ${toHex(root)}`);
  return { findings: [...signed.findings, finding], checkpoint };
}

/** Is this a checkpoint of the log that a key is for, signed by that key? */
export function checkSignedCheckpoint(note: string, keys: string, { digest, verify }: Crypto): InclusionCheck {
  const known: VerifierKey[] = [];
  for (const line of keys.split('\n').filter((each) => each.trim() !== '')) {
    const key = parseVerifierKey(line, digest);
    if (typeof key === 'string') return failed(wrong('key', key));
    known.push(key);
  }
  if (known.length === 0) return failed(wrong('key', 'no key was given'));
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') return failed(wrong('checkpoint', parsed));
  const { checkpoint, note: signed } = parsed;
  const foreign = signed.signatures.every(({ name, id }) => !known.some((key) => isSameKey(key, name, id)));
  if (foreign && !known.some(({ name }) => name === checkpoint.origin)) {
    const names = known.map(({ name }) => name).join(', ');
    return failed(wrong('log', `the proof is for the log ${checkpoint.origin}, the key for ${names}`));
  }
  const signer = checkNote(signed, known, verify);
  if (typeof signer === 'string') return failed(wrong('checkpoint', signer));
  if (signer.name !== checkpoint.origin) {
    return failed(wrong('log', `the checkpoint is of the log ${checkpoint.origin}, but signed by ${signer.name}`));
  }
  const detail = `${checkpoint.origin} had ${checkpoint.size} entries, root ${toHex(checkpoint.root)}; signature of ${signer.name} (${toHex(signer.id)}) fits`;
  return { findings: [good('checkpoint', detail)], checkpoint };
}

const failed = (finding: Finding): InclusionCheck => ({ findings: [finding], checkpoint: null });
