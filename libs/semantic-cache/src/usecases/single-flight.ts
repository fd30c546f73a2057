import type { Flight, FlightPart, Joinable, SingleFlight } from '../ports/single-flight.js';

export interface SingleFlightOptions {
  /** How long a landed answer is still given, until the index has it. Default 2,000 ms. */
  readonly lingerMs?: number;
  /** Landed answers kept at a time. Default 500; the oldest goes first. */
  readonly lingeringMax?: number;
  /** Requests waiting for one flight; further ones go alone. Default 1,000. */
  readonly waitingMax?: number;
}

interface Waiting<T, L> {
  readonly wantsStream: boolean;
  resolve(part: FlightPart<T, L>): void;
}

class OpenFlight<T, L> {
  readonly waiting = new Set<Waiting<T, L>>();
  landed: { readonly value: T } | null = null;
  live: L | null = null;
  onDeserted: (() => void) | null = null;
}

export function createSingleFlight<T, L extends Joinable = never>(
  options: SingleFlightOptions = {},
): SingleFlight<T, L> {
  const { lingerMs = 2_000, lingeringMax = 500, waitingMax = 1_000 } = options;
  const flights = new Map<string, OpenFlight<T, L>>();
  const lingering = new Map<string, OpenFlight<T, L>>();

  const forget = (id: string, open: OpenFlight<T, L>): void => {
    if (flights.get(id) === open) flights.delete(id);
    if (lingering.get(id) === open) lingering.delete(id);
  };
  const linger = (id: string, open: OpenFlight<T, L>): void => {
    lingering.set(id, open);
    setTimeout(() => forget(id, open), lingerMs).unref();
    if (lingering.size <= lingeringMax) return;
    for (const [oldestId, oldest] of lingering) {
      forget(oldestId, oldest);
      break;
    }
  };
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
      land(value) {
        once(() => {
          open.landed = { value };
          tellAll(open, { role: 'answer', value });
          linger(id, open);
        })();
      },
      fail: once(() => {
        open.live = null;
        open.onDeserted = null;
        const [next] = open.waiting;
        if (next === undefined) {
          forget(id, open);
          return;
        }
        open.waiting.delete(next);
        next.resolve(leadOf(id, open));
      }),
      dissolve: once(() => {
        forget(id, open);
        tellAll(open, { role: 'alone', reason: 'not_shareable' });
      }),
    };
    return { role: 'lead', flight };
  };

  return {
    join(id, waitMs, signal, wantsStream = false) {
      const open = flights.get(id);
      if (open === undefined) {
        const fresh = new OpenFlight<T, L>();
        flights.set(id, fresh);
        return Promise.resolve(leadOf(id, fresh));
      }
      if (open.landed !== null) return Promise.resolve({ role: 'answer', value: open.landed.value });
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
