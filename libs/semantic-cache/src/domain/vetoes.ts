import type { PairFeatures } from './pair-features.js';

const VETOES: readonly (readonly [keyof PairFeatures, string])[] = [
  ['numMis', 'number'],
  ['negMis', 'negation'],
  ['ant', 'antonym'],
  ['timeMis', 'time'],
  ['unitMis', 'unit'],
  ['fmtMis', 'format'],
  ['fromto', 'direction'],
  ['roleMis', 'role'],
  ['sib', 'sibling'],
];

/** The first reason for which a pair is never served whatever its score; `null` when there is none. */
export function vetoOf(features: PairFeatures): string | null {
  if (features.canonEq === 1 || features.typoEq === 1) return null;
  for (const [name, reason] of VETOES) if (features[name] !== 0) return reason;
  return features.whMis === 1 ? 'question_word' : null;
}
