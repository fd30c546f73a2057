/**
 * What a request that joins a flight is told.
 * `lead`: go upstream and end the flight in one of three ways. Ending twice does nothing.
 * `answer`: somebody's canonical answer, made while this one waited or a moment before.
 * `follow`: a stream that is under way, with all of it from its first event; only for those who want one.
 * `alone`: nobody will bring an answer in time: go upstream without a flight.
 */
export type FlightPart<T, L = never> =
  | { readonly role: 'lead'; readonly flight: Flight<T, L> }
  | { readonly role: 'answer'; readonly value: T }
  | { readonly role: 'follow'; readonly live: L }
  | { readonly role: 'alone'; readonly reason: 'timeout' | 'not_shareable' | 'crowded' };

/** A running stream that others may be let into. */
export interface Joinable {
  /** One more reads along. @returns false when it can take nobody any more: it waits for the whole answer then. */
  admit(): boolean;
}

export interface Flight<T, L = never> {
  /** The answer begins to stream: those who wait for a stream get it now, and those who come while it runs. */
  stream(live: L): void;
  /** Those who wait for the whole answer. */
  readonly waiting: number;
  /** @param onDeserted called whenever the last one who waited has given up. */
  onDeserted(onDeserted: () => void): void;
  /**
   * The whole answer, streamed or not: all who wait get it, and those who come within the linger time.
   * @param bytes about what it takes in memory: answers that linger are bounded by it.
   */
  land(value: T, bytes: number): void;
  /** This leader could not get an answer: one of those who wait leads, the others wait for that one. */
  fail(): void;
  /** There is an answer, but it must not be shared (cut off, tool calls, a refusal): all who wait go alone. */
  dissolve(): void;
}

/** Equal requests in flight at one time share one upstream call. In one process; across processes each has its own. */
export interface SingleFlight<T, L = never> {
  /**
   * @param id `CacheKey.id`: it contains tenant and scope.
   * @param waitMs longest wait; then `alone`.
   * @param signal the client went away: the wait ends as `alone`.
   * @param wantsStream may be told `follow`. Default false.
   */
  join(id: string, waitMs: number, signal?: AbortSignal, wantsStream?: boolean): Promise<FlightPart<T, L>>;
}
