import type { EvidenceCheck } from '#gateway/dashboard/verify/check-evidence.js';
import { verdictOf } from '#gateway/dashboard/verify/verdict.js';
import { toBase64 } from '#transparency/domain/base64.js';
import type { Finding } from '#transparency/domain/finding.js';

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: 'ok', wrong: 'WRONG', unknown: '?' };

/** A line for each finding, then what they come to. Texts of the receipt cannot move the cursor. */
export function showAsText(check: EvidenceCheck): string {
  const lines = check.findings.map(({ what, state, detail }) => `${MARKS[state].padEnd(7)}${what.padEnd(12)}${detail}`);
  const { verified, sentence, advice } = verdictOf(check.findings, check.receiptId);
  lines.push(verified ? 'Verified.' : `NOT verified: ${sentence}.`);
  if (!verified) lines.push(advice);
  return `${lines.map(withoutControls).join('\n')}\n`;
}

export function showAsJson({ findings, receiptId, checkpoint }: EvidenceCheck): string {
  const { verified, sentence, advice } = verdictOf(findings, receiptId);
  const result = {
    object: 'verification',
    receipt_id: receiptId,
    verified,
    summary: sentence,
    advice,
    checkpoint:
      checkpoint === null
        ? null
        : { origin: checkpoint.origin, size: checkpoint.size, root: toBase64(checkpoint.root) },
    findings: findings.map(({ what, state, detail }) => ({ check: what, state, detail })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

function withoutControls(line: string): string {
  return line.replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );
}
