/** Somebody outside who keeps checkpoints, so that the log's owner cannot take back what was signed. */
export interface CheckpointReceiver {
  /** For logs and metrics; holds no secret. */
  readonly name: string;
  /**
   * Resolves when the note was taken, with a reason when it was only in part: then it, or a newer one, comes again at
   * the usual time. Rejects when it was not taken at all. Reasons hold no secret; the same note may come again.
   */
  post(note: string, signal: AbortSignal): Promise<string | void>;
}
