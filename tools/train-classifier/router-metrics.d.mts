export interface RouterMetrics {
  /** Mean share of the quality gap recovered over all thresholds; 0.5 for a router that knows nothing. */
  readonly apgr: number;
  /** Share of strong calls needed for 50% and 80% of the gap. */
  readonly cpt50: number;
  readonly cpt80: number;
}
export function routerMetrics(
  score: ArrayLike<number>,
  weak: ArrayLike<number>,
  strong: ArrayLike<number>,
): RouterMetrics;
export function bootstrapInterval(
  score: ArrayLike<number>,
  weak: ArrayLike<number>,
  strong: ArrayLike<number>,
  rounds?: number,
  seed?: number,
): [number, number];
export function seeded(seed: number): () => number;
