import type { Meters } from '#events/domain/meters.js';
import { RouterError } from '#events/domain/router-error.js';
import type { Served } from './served.js';

/** How a running answer ended. */
export type LiveEnd =
  | {
      readonly kind: 'whole';
      /** What the leader paid; `null` = unpriced. */
      readonly costPicoUsd: string | null;
      readonly finishReason: string | null;
      readonly meters: Meters;
    }
  | { readonly kind: 'broken'; readonly error: RouterError };

/** An event of the stream as the provider sent it. */
export interface LiveEvent {
  readonly data: string;
  readonly isUsage: boolean;
}

/** What those may lag behind who read slowly, in characters; also the longest answer that can still be joined. */
const LAG_CHARS_MAX = 256 * 1024;

/**
 * A stream that is under way, for equal requests to read along: each has its own place in it, so that nobody waits for
 * anybody. Holds the answer from its first event while that is short; of a longer one only the last part.
 */
export class LiveAnswer {
  served: Served | null = null;
  end: LiveEnd | null = null;
  /** Somebody reads along from now on; a leader that paused for its own client must go on. */
  onFollowed: (() => void) | null = null;
  /** The last one who read along has left. */
  onDeserted: (() => void) | null = null;
  readonly #events: LiveEvent[] = [];
  readonly #wakes = new Set<() => void>();
  #first = 0;
  #chars = 0;
  #expected = 0;
  #joinable = true;

  /** @param receiptId the receipt that pays. */
  constructor(readonly receiptId: string) {}

  /** Those who read along or have been let in and are about to. */
  get followers(): number {
    return this.#wakes.size + this.#expected;
  }

  /** Lets one in who then calls `follow`. @returns false when the start of the answer is gone, or all of it is over. */
  admit(): boolean {
    if (!this.#joinable || this.end !== null) return false;
    this.#expected += 1;
    return true;
  }

  /** @param wake called when there is more to read. @returns how to leave; harmless when called again. */
  follow(wake: () => void): () => void {
    this.#expected -= 1;
    this.#wakes.add(wake);
    this.onFollowed?.();
    return () => {
      if (this.#wakes.delete(wake) && this.followers === 0) this.onDeserted?.();
    };
  }

  add(data: string, isUsage: boolean): void {
    this.#events.push({ data, isUsage });
    this.#chars += data.length;
    while (this.#chars > LAG_CHARS_MAX) {
      this.#joinable = false;
      this.#chars -= this.#events.shift()?.data.length ?? 0;
      this.#first += 1;
    }
    if (this.#wakes.size > 0) for (const wake of this.#wakes) wake();
  }

  /** @returns `null` when the event at this place is yet to come; `lost` when it is held no more. */
  at(place: number): LiveEvent | 'lost' | null {
    if (place < this.#first) return 'lost';
    return this.#events[place - this.#first] ?? null;
  }

  /** The first end counts. */
  finish(end: LiveEnd): void {
    if (this.end !== null) return;
    this.end = end;
    for (const wake of this.#wakes) wake();
  }
}

/** A client that cannot keep up with what others read is told so, and gets no clean end. */
export function tooSlow(): RouterError {
  return new RouterError({
    code: 'upstream_truncated',
    publicMessage: 'The answer was read too slowly to be shared; ask again.',
    httpStatus: 502,
    detail: 'a follower of a shared stream lagged beyond what is held',
  });
}
