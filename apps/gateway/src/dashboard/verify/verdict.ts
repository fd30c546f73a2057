import type { Finding } from '#transparency/domain/finding.js';

export interface Verdict {
  readonly verified: boolean;
  /** One sentence for people. */
  readonly sentence: string;
  /** What to make of it: which part was changed, as far as can be told. */
  readonly advice: string;
}

/** What these findings come to. */
export function verdictOf(findings: readonly Finding[], receiptId: string | null): Verdict {
  const faults = findings.filter(({ state }) => state === 'wrong');
  const which = receiptId ?? 'the receipt';
  if (faults.length === 0) {
    const open = findings.filter(({ state }) => state === 'unknown').length;
    return {
      verified: true,
      sentence: `${which} is, byte for byte, in the signed log, and its cost adds up`,
      advice: open === 0 ? '' : 'What could not be checked with what was given is listed with a question mark.',
    };
  }
  const kinds = [...new Set(faults.map(({ what }) => what))];
  return {
    verified: false,
    sentence: `${which}: ${faults.length} of ${findings.length} checks failed (${kinds.join(', ')})`,
    advice: adviceOf(new Set<string>(kinds)),
  };
}

function adviceOf(kinds: ReadonlySet<string>): string {
  const has = (...names: readonly string[]): boolean => names.some((name) => kinds.has(name));
  if (has('log', 'key', 'checkpoint')) {
    return 'The checkpoint is not vouched for by this key: it is of another log, signed by another key, or was changed.';
  }
  if (has('proof')) return 'The proof file was changed or cut. Fetch it again; the receipt itself may be fine.';
  if (has('inclusion')) {
    if (has('sql'))
      return 'The receipt was changed after it was logged; where it differs from the rows in SQL is named.';
    return has('fields', 'sums', 'cost', 'receipt')
      ? 'The receipt was changed after it was logged; the findings name where it contradicts itself.'
      : 'The receipt is not the one that was logged. No field contradicts another, so the change is in a text or number that nothing else depends on, or the proof is for another receipt.';
  }
  if (has('consistency')) return 'The log was rewritten since the kept checkpoint, or the tiles are not its own.';
  if (has('receipt')) return 'The evidence is sound, but of another receipt than the one that was asked for.';
  if (has('fields', 'sums', 'cost'))
    return 'The logged receipt itself is wrong: it was sealed so, and not changed since.';
  if (has('sql')) return 'The receipt in the log is sound; the rows in SQL were changed.';
  if (has('price')) return 'The receipt in the log is sound; the price record is not the one that it was charged by.';
  return 'The receipt in the log is sound; the body is not the one that it is about.';
}
