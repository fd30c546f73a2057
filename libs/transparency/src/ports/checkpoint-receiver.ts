/** Somebody outside who keeps checkpoints, so that the log's owner cannot take back what was signed. */
export interface CheckpointReceiver {
  /** For logs and metrics; holds no secret. */
  readonly name: string;
  /** Resolves when the note was taken. Rejects with a reason that holds no secret; the same note may come again. */
  post(note: string, signal: AbortSignal): Promise<void>;
}
