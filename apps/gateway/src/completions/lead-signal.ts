import type { Flight } from '#semantic-cache/ports/single-flight.js';
import type { LiveAnswer } from './live-answer.js';
import type { SharedAnswer } from './shared-answer.js';

/**
 * Aborted when the client of a leading request has left and nobody else waits for its answer: as long as one does, the
 * call goes on.
 */
export function leadSignal(
  gone: AbortSignal,
  flight: Flight<SharedAnswer, LiveAnswer>,
  live: LiveAnswer | null,
): AbortSignal {
  const abandoned = new AbortController();
  const look = (): void => {
    if (gone.aborted && flight.waiting === 0 && (live?.followers ?? 0) === 0) abandoned.abort();
  };
  gone.addEventListener('abort', look, { once: true });
  flight.onDeserted(look);
  if (live !== null) live.onDeserted = look;
  look();
  return abandoned.signal;
}
