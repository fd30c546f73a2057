import type { ClassifierVerdict } from './route-plan.js';

/** Says of a prompt whether the strong model is likely to pay off. Pure: the same text gives the same verdict. */
export interface PromptClassifier {
  /** `sha256:` + hash of the artefact's bytes. */
  readonly artifact: string;
  /**
   * @param strongShare wanted share of requests for the strong model, 0 to 1; the artefact's calibration turns it
   *   into a threshold.
   */
  judge(text: string, strongShare: number): Omit<ClassifierVerdict, 'tookUs'>;
}
