import { TOPICS } from '#events/domain/topics.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

/** Its checkpoints are kept under this name. */
export const RECOVERY_GROUP = 'recovery';
/** Receipts first: a request that is accepted while the heads are read must not look sealed before its time. */
const RECOVERED = [TOPICS.receipts, TOPICS.responses, TOPICS.requests];
/**
 * Requests first: a process may die between two saves, and the next start must not find a request whose receipt stands
 * before the place from which it reads receipts. It would seal it a second time.
 */
const SAVED = RECOVERED.toReversed();

/**
 * Remembers a place in the log before which every request is sealed, so that a start after a crash reads the last
 * seconds and not the whole log. A place is taken, and saved once all requests that were open then have been sealed.
 */
export class RecoveryCursor {
  readonly #open = new Set<string>();
  readonly #saved = new Map<string, bigint>();
  #pending: { readonly heads: ReadonlyMap<string, bigint>; readonly waitingFor: Set<string> } | null = null;

  constructor(
    private readonly reader: EventLogReader,
    private readonly checkpoints: CheckpointStore,
    private readonly partition: number,
  ) {}

  opened(receiptId: string): void {
    this.#open.add(receiptId);
  }

  sealed(receiptId: string): void {
    this.#open.delete(receiptId);
    this.#pending?.waitingFor.delete(receiptId);
  }

  /** Requests whose receipt is still to come. */
  get openCount(): number {
    return this.#open.size;
  }

  async load(): Promise<ReadonlyMap<string, bigint>> {
    const places = new Map<string, bigint>();
    for (const topic of RECOVERED) {
      const offset = await this.checkpoints.load(RECOVERY_GROUP, topic, this.partition);
      if (offset !== null) places.set(topic, offset);
    }
    return places;
  }

  /** To be called every few seconds. */
  async advance(): Promise<void> {
    if (this.#pending === null) {
      const heads = new Map<string, bigint>();
      for (const topic of RECOVERED) heads.set(topic, (await this.reader.bounds(topic, this.partition)).head);
      this.#pending = { heads, waitingFor: new Set(this.#open) };
    }
    if (this.#pending.waitingFor.size > 0) return;
    for (const topic of SAVED) {
      const head = this.#pending.heads.get(topic);
      if (head === undefined || this.#saved.get(topic) === head) continue;
      await this.checkpoints.save(RECOVERY_GROUP, topic, this.partition, head);
      this.#saved.set(topic, head);
    }
    this.#pending = null;
  }
}
