import { BUCKETS, FEATURE_VERSION, RULE_NAMES, SEEN_BITS } from './prompt-features.js';

/**
 * Two experts (multiple-choice knowledge; worked problems and code) say each how likely a weak and a strong model
 * succeed. `expert` tells which of them a prompt is for (high = knowledge), `domain` whether it is for any.
 */
export const HEADS = [
  'knowledge_weak',
  'knowledge_strong',
  'problem_weak',
  'problem_strong',
  'expert',
  'domain',
] as const;
/** Highest frequency that the log table knows. */
export const LOG_ENTRIES = 4096;
/** The sigmoid table covers logits from -8 to 8 in steps of 1/32. */
export const SIGMOID_STEPS = 512;

/** A trained classifier, all integers. `Q` = in 1/65536. */
export interface GainModel {
  readonly featureVersion: number;
  /** One linear head for each of `HEADS`, in that order: logit of one unit of weight, and intercept. */
  readonly scaleQ: readonly number[];
  readonly biasQ: readonly number[];
  /** Hand-made rules: a weight in 1/256 for each of `RULE_NAMES`, then a straight line onto the scale of a gain. */
  readonly ruleWeights: readonly number[];
  readonly ruleSlopeQ: number;
  readonly ruleOffsetQ: number;
  /** Probability of the domain head from which the learned heads count at all, and at which they count fully. */
  readonly trustFromQ: number;
  readonly trustFullQ: number;
  /** Above this share of unknown words it abstains. */
  readonly unknownMostPermille: number;
  /** Distance to the threshold within which it abstains. */
  readonly marginQ: number;
  /** Wanted share of strong calls in 1/1000 and the threshold that gives it on the calibration mixture; ascending. */
  readonly calibration: readonly (readonly [number, number])[];
}

export interface GainTables {
  /** Weight of bucket `k` in head `h` at `HEADS.length · k + h`. */
  readonly weights: Int8Array;
  /** `round(256 · ln(1 + n))`. */
  readonly log: Int16Array;
  /** `round(32767 · sigmoid)`. */
  readonly sigmoid: Int16Array;
  /** Bit set of the hashes of words seen in training. */
  readonly seen: Uint8Array;
}

const SIZES = [HEADS.length * BUCKETS, 2 * LOG_ENTRIES, 2 * (SIGMOID_STEPS + 1), 1 << (SEEN_BITS - 3)] as const;
/** Bytes of the tables file: weights, log, sigmoid (both little-endian), seen. */
const TABLES_BYTES = SIZES.reduce((sum, size) => sum + size, 0);

export function tablesToBytes(tables: GainTables): Uint8Array {
  const bytes = new Uint8Array(TABLES_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new Uint8Array(tables.weights.buffer, tables.weights.byteOffset, SIZES[0]), 0);
  tables.log.forEach((value, i) => view.setInt16(SIZES[0] + 2 * i, value, true));
  tables.sigmoid.forEach((value, i) => view.setInt16(SIZES[0] + SIZES[1] + 2 * i, value, true));
  bytes.set(tables.seen, SIZES[0] + SIZES[1] + SIZES[2]);
  return bytes;
}

/** @returns `null` when the length is not that of this version. */
export function tablesFromBytes(bytes: Uint8Array): GainTables | null {
  if (bytes.length !== TABLES_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seenAt = SIZES[0] + SIZES[1] + SIZES[2];
  return {
    weights: Int8Array.from({ length: SIZES[0] }, (_, i) => view.getInt8(i)),
    log: Int16Array.from({ length: LOG_ENTRIES }, (_, i) => view.getInt16(SIZES[0] + 2 * i, true)),
    sigmoid: Int16Array.from({ length: SIGMOID_STEPS + 1 }, (_, i) => view.getInt16(SIZES[0] + SIZES[1] + 2 * i, true)),
    seen: bytes.slice(seenAt),
  };
}

const INTEGERS = ['ruleSlopeQ', 'ruleOffsetQ', 'trustFromQ', 'trustFullQ', 'unknownMostPermille', 'marginQ'] as const;

/** Checks the model part of an artefact. @returns `null` when it is not one that this version can use. */
export function readGainModel(value: unknown): GainModel | null {
  if (typeof value !== 'object' || value === null) return null;
  const model = value as GainModel;
  const numbers = INTEGERS.every((name) => Object.hasOwn(value, name) && Number.isSafeInteger(model[name]));
  const rules = Array.isArray(model.ruleWeights) && model.ruleWeights.length === RULE_NAMES.length;
  const heads = [model.scaleQ, model.biasQ].every((list) => Array.isArray(list) && list.length === HEADS.length);
  const calibrated = Array.isArray(model.calibration) && model.calibration.length >= 2;
  return model.featureVersion === FEATURE_VERSION && numbers && heads && rules && calibrated ? model : null;
}
