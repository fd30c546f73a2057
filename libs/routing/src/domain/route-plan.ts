/** Where a request may go: a provider and the model name to send there. */
export interface Target {
  readonly provider: string;
  readonly model: string;
}

export interface Candidate extends Target {
  /** Position in the order of trying, from 0; `null` when excluded. */
  readonly rank: number | null;
  /** Why it is where it is: `first`, `weighted_draw`, `excluded:provider_unknown`, `excluded:breaker_open`, … */
  readonly reason: string;
  readonly weight: number | null;
  /** The name of the client's list of fallbacks by which it came; absent = by the plan's own model. */
  readonly via?: string;
  /** What it was ranked by, when it was; `null` = not known. A later `replan` reads it back from here. */
  readonly measured?: { readonly by: 'price' | 'latency'; readonly value: number | null };
}

/** What the classifier said. All numbers are integers, so that the same input gives the same bytes anywhere. */
export interface ClassifierVerdict {
  /** `sha256:` + hash of the artefact's bytes. */
  readonly artifact: string;
  /** Score in 1/65536, higher = the strong model is more likely to pay off. */
  readonly scoreQ: number;
  readonly thresholdQ: number;
  /** Share of unknown features, in 1/1000. */
  readonly unknownPermille: number;
  readonly abstained: boolean;
  readonly chose: 'weak' | 'strong';
  /**
   * What weighed most, with its part of the score: `rule:<name>`, `w:<word>` for words of the public lexicon, and
   * `bucket:<n>` for any other word, so that a recorded decision gives no prompt away.
   */
  readonly top: readonly (readonly [string, number])[];
  readonly tookUs: number;
}

/** The decision with all its reasons. Recorded before dispatch, shown by `explain`. */
export interface RoutePlan {
  readonly requestedModel: string;
  /** The alias or model after rules and `auto`. */
  readonly resolvedModel: string;
  readonly reason: string;
  readonly rule: string | null;
  readonly task: string | null;
  readonly policyHash: string;
  readonly strategy: 'order' | 'weighted' | 'latency' | 'price';
  /** In the order of trying; never empty, but in the record of a request whose targets were all cut off. */
  readonly targets: readonly Target[];
  readonly candidates: readonly Candidate[];
  readonly classifier: ClassifierVerdict | null;
  /** Client wishes that were not followed, and why. */
  readonly ignored: readonly string[];
  /** What `auto` compares with: the first target of its strong model. Absent when the classifier was not asked. */
  readonly baseline?: Target;
}
