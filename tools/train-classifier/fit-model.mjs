// From labelled prompts to the integer artefact that the gateway runs.
import '../typescript-hooks.mjs';
import { fitLogistic } from './logistic.mjs';

const features = await import('../../libs/routing/src/domain/prompt-features.ts');
const { HEADS, LOG_ENTRIES, SIGMOID_STEPS } = await import('../../libs/routing/src/domain/gain-artifact.ts');
const { scoreGain } = await import('../../libs/routing/src/domain/gain-classifier.ts');
const { BUCKETS, RULE_NAMES, SEEN_BITS } = features;

/**
 * Written by hand, not fitted: what makes a prompt look demanding, and what does not. The weight of the length alone was
 * picked among three after a look at the figures of the training sources.
 */
const RULES = {
  characters: 0.6,
  words: 0,
  numbers: 0.5,
  operators: 0.6,
  latex: 0.8,
  long_words: 0.2,
  code: 0.6,
  reason: 0.8,
  negation: 0.4,
  condition: 0.5,
  technical: 0.5,
  limit: 0.4,
  question: -0.3,
  social: -0.6,
  plain: -0.6,
};
const RULE_WEIGHTS = RULE_NAMES.map((name) => Math.round(RULES[name] * 256));
export const SETTINGS = {
  knowledgeL2: 4,
  problemL2: 1,
  domainL2: 1.5,
  iterations: 25,
  trustFromQ: 32768,
  trustFullQ: 52428,
  unknownMostPermille: 500,
  marginOfError: 0.25,
};

const LOG = Int16Array.from({ length: LOG_ENTRIES }, (_, n) => Math.round(256 * Math.log1p(n)));
const SIGMOID = Int16Array.from({ length: SIGMOID_STEPS + 1 }, (_, i) =>
  Math.round(32767 / (1 + Math.exp(-(i / 32 - 8)))),
);
const scratch = features.createPromptFeatures();

/** Sparse rows in compressed form, with the word hashes of each prompt. */
export function toSparse(prompts) {
  const start = new Uint32Array(prompts.length + 1);
  const index = [],
    value = [],
    hashes = [];
  prompts.forEach((prompt, row) => {
    features.extractFeatures(features.canonicalText(prompt), scratch);
    const from = index.length;
    let squares = 0;
    for (let j = 0; j < scratch.bucketCount; j++) {
      const bucket = scratch.buckets[j],
        x = LOG[Math.min(scratch.frequency[bucket], LOG_ENTRIES - 1)];
      index.push(bucket);
      value.push(x);
      squares += x * x;
    }
    const norm = Math.sqrt(squares || 1);
    for (let j = from; j < value.length; j++) value[j] /= norm;
    hashes.push(new Set(scratch.words.slice(0, scratch.wordCount)));
    features.clearFeatures(scratch);
    start[row + 1] = index.length;
  });
  return { start, index: Uint16Array.from(index), value: Float32Array.from(value), hashes };
}

/** Quantises one head into its place in the group of each bucket. */
function quantise(fitted, weights, name) {
  const head = HEADS.indexOf(name);
  let most = 1e-9;
  for (let k = 0; k < BUCKETS; k++) most = Math.max(most, Math.abs(fitted[k]));
  for (let k = 0; k < BUCKETS; k++) weights[HEADS.length * k + head] = Math.round((fitted[k] * 127) / most);
  return { scaleQ: Math.round((most / 127) * 65536), biasQ: Math.round(fitted[BUCKETS] * 65536) };
}

/** Every n-th, so that about `most` are left: the same ones every time. */
const thin = (list, most) => list.filter((_, i) => i % Math.ceil(list.length / most) === 0);

/** Which expert learns from a source. */
const isKnowledge = (row) => row.source === 'routellm-mmlu';

/**
 * @param rows labelled ones, and behind them everyday prompts without labels (`source: 'everyday'`), which only the
 *   domain head sees.
 * @param pick numbers of the labelled rows to train on.
 * @returns { model, tables } with an empty calibration and no margin.
 */
export function fitModel(rows, sparse, pick, settings = SETTINGS) {
  const weights = new Int8Array(HEADS.length * BUCKETS);
  const scaleQ = HEADS.map(() => 0),
    biasQ = HEADS.map(() => 0);
  const learn = (name, members, label, l2) => {
    const fitted = fitLogistic(sparse, members, rows.map(label), BUCKETS, { ...settings, l2 });
    const head = quantise(fitted, weights, name);
    scaleQ[HEADS.indexOf(name)] = head.scaleQ;
    biasQ[HEADS.indexOf(name)] = head.biasQ;
  };
  const knowledge = pick.filter((row) => isKnowledge(rows[row]));
  const problems = pick.filter((row) => !isKnowledge(rows[row]));
  for (const [expert, own, l2] of [
    ['knowledge', knowledge, settings.knowledgeL2],
    ['problem', problems, settings.problemL2],
  ]) {
    // With one source missing (cross-source figures) both experts learn from the other.
    const members = own.length > 0 ? own : pick;
    learn(`${expert}_weak`, members, (row) => row.weak ?? 0, l2);
    learn(`${expert}_strong`, members, (row) => row.strong ?? 0, l2);
  }
  learn('expert', [...thin(knowledge, 1500), ...thin(problems, 1500)], (row) => (isKnowledge(row) ? 1 : 0), 1);
  const everyday = rows.flatMap((row, i) => (row.source === 'everyday' ? [i] : []));
  const some = [...thin(knowledge, 1500), ...thin(problems, 1500)];
  const repeated = Array.from({ length: Math.ceil(some.length / everyday.length) }, () => everyday).flat();
  learn('domain', [...some, ...repeated], (row) => (row.source === 'everyday' ? 0 : 1), settings.domainL2);
  const counts = new Map();
  for (const row of pick) for (const hash of sparse.hashes[row]) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  const seen = new Uint8Array(1 << (SEEN_BITS - 3));
  for (const [hash, count] of counts) {
    const bit = hash >>> (32 - SEEN_BITS);
    if (count >= 2) seen[bit >>> 3] |= 1 << (bit & 7);
  }
  const tables = { weights, log: LOG, sigmoid: SIGMOID, seen };
  const plain = {
    featureVersion: features.FEATURE_VERSION,
    scaleQ,
    biasQ,
    ruleWeights: RULE_WEIGHTS,
    ruleSlopeQ: 65536,
    ruleOffsetQ: 0,
    trustFromQ: settings.trustFromQ,
    trustFullQ: settings.trustFullQ,
    unknownMostPermille: settings.unknownMostPermille,
    marginQ: 0,
    calibration: [],
  };
  return { model: { ...plain, ...alignRules(rows, pick, plain, tables) }, tables };
}

export const score = (prompt, { model, tables }) => scoreGain(features.canonicalText(prompt), model, tables, scratch);

/** Puts the rules on the scale of the learned gain: same mean and spread over the training prompts, each source equal. */
function alignRules(rows, pick, model, tables) {
  const bySource = new Map();
  for (const row of pick) bySource.set(rows[row].source, [...(bySource.get(rows[row].source) ?? []), row]);
  const moments = [...bySource.values()].map((members) => {
    const some = members.filter((_, i) => i % Math.ceil(members.length / 400) === 0);
    const both = some.map((row) => score(rows[row].prompt, { model, tables }));
    return [both.map((each) => each.learnedQ), both.map((each) => each.rulesQ)].map((all) => {
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      return { mean, square: all.reduce((a, b) => a + b * b, 0) / all.length };
    });
  });
  const pooled = [0, 1].map((i) => {
    const mean = moments.reduce((sum, each) => sum + each[i].mean, 0) / moments.length;
    return {
      mean,
      sd: Math.sqrt(moments.reduce((sum, each) => sum + each[i].square, 0) / moments.length - mean * mean),
    };
  });
  const slope = pooled[0].sd / pooled[1].sd;
  return { ruleSlopeQ: Math.round(slope * 65536), ruleOffsetQ: Math.round(pooled[0].mean - slope * pooled[1].mean) };
}
