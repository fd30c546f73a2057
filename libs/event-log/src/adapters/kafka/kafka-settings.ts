import { Kafka, logLevel, type RetryOptions } from 'kafkajs';
import { openKafkaSocket } from './kafka-socket.js';
import { removeTimerFault } from './kafkajs-timer-fault.js';

/** Which part of a Kafka log reports, and whether it works at the moment. */
export interface KafkaState {
  /** `handler`: what a subscriber's handler threw; Kafka itself is fine. */
  readonly part: 'reader' | 'writer' | 'subscriber' | 'handler';
  readonly up: boolean;
  /** Name of the failed operation or of the error, never a payload; empty when up. */
  readonly detail: string;
}

export interface KafkaSettings {
  /** `host:port`, any of the cluster. */
  readonly brokers: readonly string[];
  /** Seen in the broker's logs and quotas. */
  readonly clientId: string;
  /** Told of every change; what it throws is ignored. */
  readonly onState?: ((state: KafkaState) => void) | undefined;
}

export const CONNECTION_TIMEOUT_MS = 2000;
export const REQUEST_TIMEOUT_MS = 10_000;

/**
 * kafkajs retries in two layers: connecting has the client's retries, and when those are used up, the sending or
 * joining around it ends too, whatever its own retries. So both get the same, and all values are explicit because
 * kafkajs changes its defaults when NODE_ENV is `test`.
 * About 8 s: longer than a broker's restart, so that it passes without an error, a duplicate or a new group member.
 */
export const WORK_RETRY = { initialRetryTime: 100, maxRetryTime: 1000, factor: 0.2, multiplier: 2, retries: 10 };
/** For what is tried again here, with a limit of its own. */
export const QUICK_RETRY = { initialRetryTime: 50, maxRetryTime: 500, factor: 0.2, multiplier: 2, retries: 2 };

/** A commit is refused for these: the group has changed, or has members where none are allowed. */
export const MEMBERSHIP_ERRORS: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/** kafkajs as this product uses it: quiet (its console logger is off), explicit timeouts, without its timer fault. */
export function createKafka(settings: KafkaSettings, retry: RetryOptions = QUICK_RETRY): Kafka {
  removeTimerFault();
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry,
    socketFactory: openKafkaSocket,
    logLevel: logLevel.NOTHING,
    logCreator: () => () => {},
  });
}

/** Reports changes of one part only, so that a long outage is two reports. */
export function createReporter(settings: KafkaSettings, part: KafkaState['part']): (error?: unknown) => void {
  let last: string | null = null;
  return (error) => {
    const detail = error === undefined ? '' : describeKafkaError(error);
    if (detail === last || (last === null && detail === '')) return;
    last = detail;
    try {
      settings.onState?.({ part, up: error === undefined, detail });
    } catch {
      // A reporter that fails must not stop the log.
    }
  };
}

/** Name, Kafka's error type and code: enough to look it up, and never a payload or an address. */
export function describeKafkaError(error: unknown): string {
  const cause = rootCause(error);
  if (typeof cause !== 'object' || cause === null) return 'unknown error';
  const { name, type, code } = cause as { name?: unknown; type?: unknown; code?: unknown };
  return [name, type, code].filter((part) => typeof part === 'string' || typeof part === 'number').join(' ');
}

/** Kafka's own error type, such as `UNKNOWN_TOPIC_OR_PARTITION`; `null` for everything else. */
export function kafkaErrorType(error: unknown): string | null {
  const type = (rootCause(error) as { type?: unknown } | null)?.type;
  return typeof type === 'string' ? type : null;
}

function rootCause(error: unknown): unknown {
  let cause = error;
  for (let depth = 0; depth < 8; depth += 1) {
    const deeper =
      (cause as { cause?: unknown } | null)?.cause ?? (cause as { errors?: readonly unknown[] } | null)?.errors?.[0];
    if (deeper === undefined || deeper === null || deeper === cause) break;
    cause = deeper;
  }
  return cause;
}
