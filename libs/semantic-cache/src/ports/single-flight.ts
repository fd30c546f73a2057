/**
 * What a request that joins a flight is told.
 * `lead`: go upstream and end the flight in one of three ways. Ending twice does nothing.
 * `answer`: somebody's canonical answer, made while this one waited or a moment before.
 * `alone`: nobody will bring an answer in time: go upstream without a flight.
 */
export type FlightPart<T> =
  | { readonly role: 'lead'; readonly flight: Flight<T> }
  | { readonly role: 'answer'; readonly value: T }
  | { readonly role: 'alone'; readonly reason: 'timeout' | 'not_shareable' | 'crowded' };

export interface Flight<T> {
  /** The whole answer, streamed or not: all who wait get it, and those who come within the linger time. */
  land(value: T): void;
  /** This leader could not get an answer: one of those who wait leads, the others wait for that one. */
  fail(): void;
  /** There is an answer, but it must not be shared (cut off, tool calls, a refusal): all who wait go alone. */
  dissolve(): void;
}

/** Equal requests in flight at one time share one upstream call. In one process; across processes each has its own. */
export interface SingleFlight<T> {
  /**
   * @param id `CacheKey.id`: it contains tenant and scope.
   * @param waitMs longest wait; then `alone`.
   * @param signal the client went away: the wait ends as `alone`.
   */
  join(id: string, waitMs: number, signal?: AbortSignal): Promise<FlightPart<T>>;
}
