import type { CacheContent, CacheKey } from '#semantic-cache/ports/semantic-cache.js';

/** A stored answer that came from a request of this very moment. */
export interface SharedAnswer {
  readonly content: CacheContent;
  readonly receiptId: string;
}

interface Flight {
  readonly leader: string;
  readonly waiting: ((answer: SharedAnswer | null) => void)[];
  answer: SharedAnswer | null;
}

/** How long a shared answer is kept for requests that come before the index has it. */
const LINGER_MS = 2_000;

/**
 * Single-flight: equal requests at once become one upstream call. The first leads; the others wait for its answer.
 * When it fails, or its answer may not be shared, they all go on alone: nobody fails or queues because of it.
 */
export class AnswerFlights {
  readonly #flights = new Map<string, Flight>();

  constructor(private readonly waitMsMax = 30_000) {}

  /** @returns `null`: this request goes upstream and calls `landed` at its end; otherwise the answer of the leader. */
  async join(key: CacheKey, receiptId: string, gone: AbortSignal): Promise<SharedAnswer | null> {
    const flight = this.#flights.get(flightId(key));
    if (flight === undefined) {
      this.#flights.set(flightId(key), { leader: receiptId, waiting: [], answer: null });
      return null;
    }
    return flight.answer ?? this.#wait(flight, gone);
  }

  /** The leader's answer; everyone who waits gets it. */
  share(key: CacheKey, receiptId: string, content: CacheContent, mayShare: boolean): void {
    const flight = this.#flights.get(flightId(key));
    if (flight === undefined || flight.leader !== receiptId || !mayShare) return;
    flight.answer = { content, receiptId };
    for (const tell of flight.waiting.splice(0)) tell(flight.answer);
  }

  /** The leader is done, well or badly. Idempotent. */
  landed(key: CacheKey, receiptId: string): void {
    const flight = this.#flights.get(flightId(key));
    if (flight === undefined || flight.leader !== receiptId) return;
    if (flight.answer !== null) {
      setTimeout(() => this.#remove(key, flight), LINGER_MS).unref();
      return;
    }
    this.#remove(key, flight);
    for (const tell of flight.waiting.splice(0)) tell(null);
  }

  #remove(key: CacheKey, flight: Flight): void {
    if (this.#flights.get(flightId(key)) === flight) this.#flights.delete(flightId(key));
  }

  #wait(flight: Flight, gone: AbortSignal): Promise<SharedAnswer | null> {
    return new Promise((resolve) => {
      const settle = (answer: SharedAnswer | null): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
        resolve(answer);
      };
      const leave = (): void => {
        const place = flight.waiting.indexOf(settle);
        if (place >= 0) flight.waiting.splice(place, 1);
        settle(null);
      };
      const timer = setTimeout(leave, this.waitMsMax);
      gone.addEventListener('abort', leave, { once: true });
      flight.waiting.push(settle);
    });
  }
}

/** Equal exactly or in normal form, as the first two tiers have it; a paraphrase is for the index to judge. */
function flightId(key: CacheKey): string {
  return `${key.scope}/${key.id}`;
}
