import { type GainModel, type GainTables, HEADS, LOG_ENTRIES, SIGMOID_STEPS } from './gain-artifact.js';
import type { PromptClassifier } from './prompt-classifier.js';
import {
  canonicalText,
  clearFeatures,
  createPromptFeatures,
  extractFeatures,
  isSeen,
  type PromptFeatures,
  RULE_NAMES,
} from './prompt-features.js';

/** At most so many words and characters make a prompt too short to judge by the share of unknown words. */
const SHORT_WORDS = 6;
const SHORT_CHARACTERS = 60;
const FOREIGN_PERMILLE = 300;
const TOP = 5;

/** Probabilities in the order of `HEADS`. */
type Chances = [number, number, number, number, number, number];

export interface GainScore {
  /** Expected gain of the strong model over the weak one, rules blended in. */
  readonly scoreQ: number;
  /** What the learned heads alone say. */
  readonly learnedQ: number;
  readonly rulesQ: number;
  /** Share of the learned heads in `scoreQ`, 1/1024. */
  readonly trust: number;
  readonly unknownPermille: number;
  readonly short: boolean;
  /** Words and word pairs that moved the learned part most, with their contribution. */
  readonly top: readonly (readonly [string, number])[];
  readonly topRules: readonly (readonly [string, number])[];
}

/**
 * Two logistic heads over hashed n-grams say how likely the weak and the strong model succeed; the difference is the
 * expected gain. The less of the text resembles the training prompts, the more the hand-made rules decide instead.
 * Only integer sums and exactly rounded operations (`/`, `sqrt`, `floor`): the same bytes on every engine.
 */
export function createGainClassifier(artifact: string, model: GainModel, tables: GainTables): PromptClassifier {
  const features = createPromptFeatures();
  return {
    artifact,
    judge(text, strongShare) {
      const canonical = canonicalText(text);
      const score = scoreGain(canonical, model, tables, features);
      const thresholdQ = thresholdOf(model, strongShare);
      const strange = !score.short && score.unknownPermille > model.unknownMostPermille;
      const close = Math.abs(score.scoreQ - thresholdQ) < model.marginQ && strongShare > 0 && strongShare < 1;
      return {
        artifact,
        scoreQ: score.scoreQ,
        thresholdQ,
        unknownPermille: score.unknownPermille,
        abstained: canonical === '' || strange || close,
        chose: score.scoreQ >= thresholdQ ? 'strong' : 'weak',
        top: explain(score),
      };
    },
  };
}

/** @param text canonical. */
export function scoreGain(text: string, model: GainModel, tables: GainTables, features: PromptFeatures): GainScore {
  extractFeatures(text, features);
  const { buckets, frequency, bucketCount } = features;
  const { weights, log } = tables;
  let squares = 0;
  let [sum0, sum1, sum2, sum3, sum4, sum5] = [0, 0, 0, 0, 0, 0];
  // Written out: an inner loop over six heads costs more than the sums.
  for (let i = 0; i < bucketCount; i++) {
    const bucket = buckets[i]!;
    const count = frequency[bucket]!;
    const value = log[count < LOG_ENTRIES ? count : LOG_ENTRIES - 1]!;
    const at = bucket * HEADS.length;
    squares = (squares + value * value) | 0;
    sum0 = (sum0 + value * weights[at]!) | 0;
    sum1 = (sum1 + value * weights[at + 1]!) | 0;
    sum2 = (sum2 + value * weights[at + 2]!) | 0;
    sum3 = (sum3 + value * weights[at + 3]!) | 0;
    sum4 = (sum4 + value * weights[at + 4]!) | 0;
    sum5 = (sum5 + value * weights[at + 5]!) | 0;
  }
  const sums = [sum0, sum1, sum2, sum3, sum4, sum5];
  const norm = Math.max(1, Math.floor(Math.sqrt(squares)));
  const chances = model.scaleQ.map((scale, head) =>
    sigmoidQ(tables.sigmoid, model.biasQ[head]! + Math.floor((sums[head]! * scale) / norm)),
  );
  const [knowledgeWeak, knowledgeStrong, problemWeak, problemStrong, expertQ, domainQ] = chances as Chances;
  const knowledgeQ = knowledgeStrong - knowledgeWeak;
  const problemQ = problemStrong - problemWeak;
  const learnedQ = problemQ + Math.floor(((knowledgeQ - problemQ) * expertQ) / 65536);

  const ruleParts = model.ruleWeights.map((weight, i) =>
    Math.floor((weight * log[Math.min(features.rules[i] ?? 0, LOG_ENTRIES - 1)]! * model.ruleSlopeQ) / 65536),
  );
  const rulesQ = ruleParts.reduce((sum, part) => sum + part, model.ruleOffsetQ);

  const foreign = Math.floor((features.foreign * 1000) / Math.max(1, text.length));
  const unknownPermille = foreign >= FOREIGN_PERMILLE ? 1000 : unknownWords(features, tables.seen);
  const span = model.trustFullQ - model.trustFromQ;
  const alike = Math.floor((Math.min(Math.max(domainQ - model.trustFromQ, 0), span) * 1024) / span);
  const most = model.unknownMostPermille;
  const trust = Math.floor((alike * Math.max(0, most - unknownPermille)) / most);
  const top = trust === 0 ? [] : heaviest(text, features, model, tables, norm, chances as Chances, trust);
  clearFeatures(features);

  return {
    scoreQ: rulesQ + Math.floor(((learnedQ - rulesQ) * trust) / 1024),
    learnedQ,
    rulesQ,
    trust,
    unknownPermille,
    short: features.wordCount <= SHORT_WORDS && text.length <= SHORT_CHARACTERS && foreign < FOREIGN_PERMILLE,
    top,
    topRules: ruleParts
      .map((part, i) => [`rule:${RULE_NAMES[i]}`, Math.floor((part * (1024 - trust)) / 1024)] as const)
      .filter(([, part]) => part !== 0),
  };
}

/** Straight line between the two nearest entries of the calibration table; 0 and 1 mean never and always. */
function thresholdOf(model: GainModel, strongShare: number): number {
  const share = Math.round(Math.min(Math.max(strongShare, 0), 1) * 1000);
  if (share === 0) return 1 << 20;
  if (share === 1000) return -(1 << 20);
  const table = model.calibration;
  const next = table.findIndex(([at]) => at >= share);
  const [rightShare, right] = table[next < 0 ? table.length - 1 : next]!;
  const [leftShare, left] = table[Math.max(0, next < 0 ? table.length - 1 : next - 1)]!;
  if (rightShare <= leftShare) return right;
  return left + Math.floor(((right - left) * (share - leftShare)) / (rightShare - leftShare));
}

function sigmoidQ(table: Int16Array, logitQ: number): number {
  const at = Math.min(Math.max(logitQ + 8 * 65536, 0), 16 * 65536);
  const step = Math.min(at >> 11, SIGMOID_STEPS - 1);
  const low = table[step]!;
  return 2 * (low + (((table[step + 1]! - low) * (at - (step << 11))) >> 11));
}

function unknownWords({ words, wordCount }: PromptFeatures, seen: Uint8Array): number {
  if (wordCount === 0) return 0;
  let unknown = 0;
  for (let i = 0; i < wordCount; i++) if (!isSeen(seen, words[i]!)) unknown++;
  return Math.floor((unknown * 1000) / wordCount);
}

/**
 * The words and word pairs whose buckets weigh most. Contribution of a bucket = its part of each logit times the slope
 * of that head's sigmoid and the expert's share. Character n-grams count in the score but make poor reading: left out.
 * Only words of the public lexicon are spelt out; any other is its bucket's number.
 */
function heaviest(
  text: string,
  features: PromptFeatures,
  model: GainModel,
  tables: GainTables,
  norm: number,
  chances: Chances,
  trust: number,
): (readonly [string, number])[] {
  const expertQ = chances[4];
  const factors = [-expertQ, expertQ, expertQ - 65536, 65536 - expertQ].map((share, head) => {
    const slope = Math.floor((chances[head]! * (65536 - chances[head]!)) / 65536);
    return Math.floor((Math.floor((slope * model.scaleQ[head]!) / 65536) * share) / 65536);
  });
  const [factor0, factor1, factor2, factor3] = factors as [number, number, number, number];
  const { frequency, tokenBucket, tokenFrom, tokenTo, tokenCount } = features;
  const { weights, log } = tables;
  const top: { readonly bucket: number; readonly token: number; readonly part: number }[] = [];
  let least = 0;
  for (let token = 0; token < tokenCount; token++) {
    const bucket = tokenBucket[token]!;
    const at = bucket * HEADS.length;
    const part =
      log[Math.min(frequency[bucket]!, LOG_ENTRIES - 1)]! *
      (factor0 * weights[at]! + factor1 * weights[at + 1]! + factor2 * weights[at + 2]! + factor3 * weights[at + 3]!);
    if (Math.abs(part) <= least || top.some((other) => other.bucket === bucket)) continue;
    const place = top.findIndex((other) => Math.abs(other.part) < Math.abs(part));
    top.splice(place < 0 ? top.length : place, 0, { bucket, token, part });
    if (top.length > TOP) top.pop();
    if (top.length === TOP) least = Math.abs(top[TOP - 1]!.part);
  }
  return top.map(({ bucket, token, part }) => [
    tokenTo[token] === 0 ? `bucket:${bucket}` : `w:${text.slice(tokenFrom[token], tokenTo[token]).toLowerCase()}`,
    Math.floor((Math.floor(part / norm) * trust) / 1024),
  ]);
}

const explain = (score: GainScore): (readonly [string, number])[] =>
  [...score.top, ...score.topRules].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, TOP);
