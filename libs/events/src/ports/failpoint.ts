/**
 * Moments at which a process can be made to die, to prove that it may. The n-th passage kills: see the table in
 * tools/reliability/README.md.
 */
export const FAILPOINTS = [
  'intent_before',
  'intent_queued',
  'log_written',
  'log_synced',
  'upstream_answered',
  'stream_started',
  'stream_event',
  'receipt_before',
  'receipt_queued',
  'receipt_safe',
  'segment_headed',
  'segment_named',
  'segment_unlinked',
  'checkpoint_written',
  'ship_sent',
  'ship_acked',
  'batch_handled',
  'table_inserted',
  'control_durable',
  'budget_reserved',
  'cache_indexed',
  'recovery_found',
  'recovery_sealed',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

let armed: ((point: Failpoint) => void) | null = null;

/** Passes a point. Nothing happens, and next to nothing is spent, unless one is armed. */
export function pass(point: Failpoint): void {
  armed?.(point);
}

/** Called at every passage of any point from now on; `null` disarms. For one caller: `libs/config`. */
export function arm(onPass: ((point: Failpoint) => void) | null): void {
  armed = onPass;
}
