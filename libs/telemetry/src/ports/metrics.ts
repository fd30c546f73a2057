import type { Receipt } from '#events/domain/receipt.js';

/** What is only known when somebody asks. */
export interface MetricsSnapshot {
  readonly inFlight?: number;
  /** Requests sent away at the door, without a receipt: by reason, since the start. */
  readonly refusedAtDoor?: Readonly<Record<'stopping' | 'full' | 'busy', number>>;
  /** Accepted and not yet sealed. */
  readonly openRequests?: number;
  readonly breakers?: readonly { readonly target: string; readonly state: 'closed' | 'open' | 'half_open' }[];
  /** How often since the start. */
  readonly warnings?: {
    /** Looks at the event loop, ten a second, that found it late. */
    readonly lateLoop: number;
    /** Answers that were given up because their clients did not read them. */
    readonly unreadAnswers: number;
    readonly wrongAdminCredentials: number;
  };
  /** Of whole answers that wait for clients to read them. */
  readonly unreadBytes?: number;
  /** Records on this disk that Kafka does not have yet. */
  readonly shipperLagRecords?: number;
  /** Absent where the process runs no sequencer. */
  readonly transparency?:
    | {
        /** Works; `false` = waits for another one's lock. */
        readonly active: boolean;
        /** Logs that contradict what was signed. */
        readonly refusedLogs: number;
        readonly webhookFailures: number;
        readonly logs: readonly {
          readonly log: string;
          /** Entries under the last checkpoint. */
          readonly size: number;
          readonly checkpointAgeMs: number;
          readonly uncovered: number;
        }[];
      }
    | undefined;
  /** Consumer group → records behind the head of the log. */
  readonly consumerLagRecords?: Readonly<Record<string, number>>;
}

/** Counters of this process; names and labels in `docs/metrics.md`. All calls are synchronous and cheap. */
export interface Metrics {
  /** Requests, attempts, latencies, tokens and cost: everything that a receipt says. */
  receiptSealed(receipt: Receipt): void;
  logAppended(records: number): void;
  /** @param tookMs one group commit, from the call to the device's answer. */
  logSynced(records: number, tookMs: number): void;
  /** Prometheus text format 0.0.4. */
  text(snapshot?: MetricsSnapshot): Promise<string>;
  readonly contentType: string;
}
