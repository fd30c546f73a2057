import type { Receipt } from '#events/domain/receipt.js';
import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';
import { toHex, type Digest } from '#transparency/domain/tree-hash.js';
import { committedTexts } from './answer-texts.js';
import type { BodyEvidence } from './evidence.js';

const SALT_BYTES = 16;
const NEWLINE = 10;
const encoder = new TextEncoder();

/** Are these the bodies that the receipt is about? `commitment = sha256(salt ‖ body)`. */
export function checkBodies(receipt: Receipt, bodies: BodyEvidence, digest: Digest): readonly Finding[] {
  const findings: Finding[] = [];
  if (bodies.request !== null) {
    const candidates = [bodies.request, withoutNewline(bodies.request)];
    const { requestCommitment } = receipt;
    findings.push(checkBody('request', requestCommitment, bodies.requestSalt, bodies.request, candidates, digest));
  }
  if (bodies.response !== null) {
    const text = new TextDecoder().decode(bodies.response);
    const usageRaw = receipt.attempts.map((attempt) => attempt.usageRaw);
    const texts = [text, text.replace(/\r?\n$/, '')].flatMap((each) => committedTexts(each, usageRaw));
    const candidates = [...new Set(texts)].map((each) => encoder.encode(each));
    const { responseCommitment } = receipt;
    findings.push(checkBody('response', responseCommitment, bodies.responseSalt, bodies.response, candidates, digest));
  }
  return findings;
}

function checkBody(
  which: 'request' | 'response',
  commitment: string | null,
  saltHex: string | null,
  given: Uint8Array,
  candidates: readonly Uint8Array[],
  digest: Digest,
): Finding {
  if (commitment === null)
    return unknown('body', `the receipt has no ${which}Commitment: there was no answer to commit to`);
  if (saltHex === null)
    return unknown(
      'body',
      `the ${which} cannot be compared without its salt (not given, or destroyed when its subject was erased)`,
    );
  const salt = Uint8Array.from({ length: SALT_BYTES }, (_, n) => Number.parseInt(saltHex.slice(2 * n, 2 * n + 2), 16));
  for (const body of candidates) {
    if (toHex(digest(joined(salt, body))) !== commitment) continue;
    return good(
      'body',
      `the ${which} of ${given.length} bytes is the one that ${which}Commitment ${commitment} is over`,
    );
  }
  return wrong(
    'body',
    `the ${which} of ${given.length} bytes is not the one that ${which}Commitment ${commitment} is over: it was changed, or it is not byte for byte what went over the wire`,
  );
}

function withoutNewline(body: Uint8Array): Uint8Array {
  return body.at(-1) === NEWLINE ? body.subarray(0, -1) : body;
}

function joined(salt: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(salt.length + body.length);
  bytes.set(salt);
  bytes.set(body, salt.length);
  return bytes;
}
