import type { PairFeatures } from './pair-features.js';

/** `[feature, threshold, left, right]`, left when value <= threshold; a number is a leaf. */
type TreeNode = readonly [number, number, number, number] | number;

/** A trained verifier as it lies in `assets/semantic-cache/verifier-static.json`. */
export interface TreeModel {
  readonly features: readonly string[];
  /** Weight of the last feature, the cosine, beside the trees. */
  readonly cosWeight: number;
  readonly trees: readonly (readonly TreeNode[])[];
  /** `quora error 1%` → least score that keeps the share of wrong hits below it. */
  readonly thresholds: Readonly<Record<string, number>>;
}

export type PairScore = (features: PairFeatures) => number;

/** Sum of the leaves reached in all trees plus the weighted cosine. */
export function pairScore(model: TreeModel): PairScore {
  const names = model.features as readonly (keyof PairFeatures)[];
  const values = new Float64Array(names.length);
  return (features) => {
    for (const [i, name] of names.entries()) values[i] = features[name];
    let sum = model.cosWeight * (values[names.length - 1] as number);
    for (const tree of model.trees) {
      let node = tree[0];
      while (typeof node === 'object') node = tree[(values[node[0]] as number) <= node[1] ? node[2] : node[3]];
      sum += node ?? 0;
    }
    return sum;
  };
}

/**
 * Least score for a tolerated share of wrong hits. Below the strictest measured share nothing is served by score.
 * @param maxError share, 0 to 1; between two measured shares the stricter one counts.
 */
export function scoreThreshold(model: TreeModel, maxError: number): number {
  let threshold = Number.POSITIVE_INFINITY;
  for (const [name, score] of Object.entries(model.thresholds)) {
    const percent = /([\d.]+)%/.exec(name)?.[1];
    if (percent !== undefined && Number(percent) <= maxError * 100 + 1e-9) threshold = Math.min(threshold, score);
  }
  return threshold;
}
