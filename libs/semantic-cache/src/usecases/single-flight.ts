import type { Flight, FlightPart, Joinable, SingleFlight } from '../ports/single-flight.js';
import { LandedAnswers } from './landed-answers.js';

export interface SingleFlightOptions {
  /** How long a landed answer is still given, until the index has it. Default 2,000 ms. */
  readonly lingerMs?: number;
  /** Landed answers kept at a time. Default 500; the oldest goes first. */
  readonly lingeringMax?: number;
  /** Bytes of all landed answers together, as `land` was told. Default 16 MiB; the oldest goes first. */
  readonly lingeringBytesMax?: number;
  /** Requests waiting for one flight; further ones go alone. Default 1,000. */
  readonly waitingMax?: number;
}

interface Waiting<T, L> {
  readonly wantsStream: boolean;
  resolve(part: FlightPart<T, L>): void;
}

class OpenFlight<T, L> {
  readonly waiting = new Set<Waiting<T, L>>();
  live: L | null = null;
  onDeserted: (() => void) | null = null;
}

const LINGERING_BYTES_MAX = 16 * 1024 * 1024;

export function createSingleFlight<T, L extends Joinable = never>(
  options: SingleFlightOptions = {},
): SingleFlight<T, L> {
  const { lingerMs = 2_000, lingeringMax = 500, lingeringBytesMax = LINGERING_BYTES_MAX, waitingMax = 1_000 } = options;
  const flights = new Map<string, OpenFlight<T, L>>();
  const landed = new LandedAnswers<T>({ lingerMs, countMax: lingeringMax, bytesMax: lingeringBytesMax });

  const tellAll = (open: OpenFlight<T, L>, part: FlightPart<T, L>): void => {
    const all = [...open.waiting];
    open.waiting.clear();
    for (const waiting of all) waiting.resolve(part);
  };

  const leadOf = (id: string, open: OpenFlight<T, L>): FlightPart<T, L> => {
    let over = false;
    const once = (end: () => void) => (): void => {
      if (over) return;
      over = true;
      end();
    };
    const flight: Flight<T, L> = {
      stream(live) {
        if (over) return;
        open.live = live;
        for (const waiting of open.waiting) {
          if (!waiting.wantsStream || !live.admit()) continue;
          open.waiting.delete(waiting);
          waiting.resolve({ role: 'follow', live });
        }
      },
      get waiting() {
        return open.waiting.size;
      },
      onDeserted(onDeserted) {
        open.onDeserted = onDeserted;
      },
      land(value, bytes) {
        once(() => {
          flights.delete(id);
          landed.add(id, value, bytes);
          tellAll(open, { role: 'answer', value });
        })();
      },
      fail: once(() => {
        open.live = null;
        open.onDeserted = null;
        const [next] = open.waiting;
        if (next === undefined) {
          flights.delete(id);
          return;
        }
        open.waiting.delete(next);
        next.resolve(leadOf(id, open));
      }),
      dissolve: once(() => {
        flights.delete(id);
        tellAll(open, { role: 'alone', reason: 'not_shareable' });
      }),
    };
    return { role: 'lead', flight };
  };

  return {
    join(id, waitMs, signal, wantsStream = false) {
      const open = flights.get(id);
      if (open === undefined) {
        const known = landed.get(id);
        if (known !== undefined) return Promise.resolve({ role: 'answer', value: known.value });
        const fresh = new OpenFlight<T, L>();
        flights.set(id, fresh);
        return Promise.resolve(leadOf(id, fresh));
      }
      if (wantsStream && open.live?.admit() === true) return Promise.resolve({ role: 'follow', live: open.live });
      if (open.waiting.size >= waitingMax) return Promise.resolve({ role: 'alone', reason: 'crowded' });
      return waitFor(open, waitMs, signal, wantsStream);
    },
  };
}

function waitFor<T, L>(
  open: OpenFlight<T, L>,
  waitMs: number,
  signal: AbortSignal | undefined,
  wantsStream: boolean,
): Promise<FlightPart<T, L>> {
  return new Promise((resolve) => {
    const waiting: Waiting<T, L> = {
      wantsStream,
      resolve(part) {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        resolve(part);
      },
    };
    const giveUp = (): void => {
      open.waiting.delete(waiting);
      waiting.resolve({ role: 'alone', reason: 'timeout' });
      if (open.waiting.size === 0) open.onDeserted?.();
    };
    const timer = setTimeout(giveUp, waitMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    open.waiting.add(waiting);
    if (signal?.aborted === true) giveUp();
  });
}
