/** Judges whether the stored answer to one question may serve another. */
export interface Verdict {
  readonly serve: boolean;
  /** `canonical`, `typo`, `score`; or why not: `veto:<which>`, `score_below`. */
  readonly reason: string;
  /** The verifier's score where it came to that; `null` otherwise. */
  readonly score: number | null;
}

export interface PairVerifier {
  /**
   * Never throws for any text. Microseconds to a millisecond; synchronous.
   * @param maxError tolerated share of wrong hits, 0 to 1.
   */
  judge(asked: string, stored: string, maxError: number): Verdict;
}
