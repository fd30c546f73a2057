import type { Flight, FlightPart, SingleFlight } from '../ports/single-flight.js';

export interface SingleFlightOptions {
  /** How long a landed answer is still given, until the index has it. Default 2,000 ms. */
  readonly lingerMs?: number;
  /** Landed answers kept at a time. Default 500; the oldest goes first. */
  readonly lingeringMax?: number;
  /** Requests waiting for one flight; further ones go alone. Default 1,000. */
  readonly waitingMax?: number;
}

interface Waiting<T> {
  resolve(part: FlightPart<T>): void;
}

class OpenFlight<T> {
  readonly waiting = new Set<Waiting<T>>();
  landed: { readonly value: T } | null = null;
}

export function createSingleFlight<T>(options: SingleFlightOptions = {}): SingleFlight<T> {
  const { lingerMs = 2_000, lingeringMax = 500, waitingMax = 1_000 } = options;
  const flights = new Map<string, OpenFlight<T>>();
  const lingering = new Map<string, OpenFlight<T>>();

  const forget = (id: string, open: OpenFlight<T>): void => {
    if (flights.get(id) === open) flights.delete(id);
    if (lingering.get(id) === open) lingering.delete(id);
  };
  const linger = (id: string, open: OpenFlight<T>): void => {
    lingering.set(id, open);
    setTimeout(() => forget(id, open), lingerMs).unref();
    if (lingering.size <= lingeringMax) return;
    for (const [oldestId, oldest] of lingering) {
      forget(oldestId, oldest);
      break;
    }
  };
  const tellAll = (open: OpenFlight<T>, part: FlightPart<T>): void => {
    const all = [...open.waiting];
    open.waiting.clear();
    for (const waiting of all) waiting.resolve(part);
  };

  const leadOf = (id: string, open: OpenFlight<T>): FlightPart<T> => {
    let over = false;
    const once = (end: () => void) => (): void => {
      if (over) return;
      over = true;
      end();
    };
    const flight: Flight<T> = {
      land(value) {
        once(() => {
          open.landed = { value };
          tellAll(open, { role: 'answer', value });
          linger(id, open);
        })();
      },
      fail: once(() => {
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
    join(id, waitMs, signal) {
      const open = flights.get(id);
      if (open === undefined) {
        const fresh = new OpenFlight<T>();
        flights.set(id, fresh);
        return Promise.resolve(leadOf(id, fresh));
      }
      if (open.landed !== null) return Promise.resolve({ role: 'answer', value: open.landed.value });
      if (open.waiting.size >= waitingMax) return Promise.resolve({ role: 'alone', reason: 'crowded' });
      return waitFor(open, waitMs, signal);
    },
  };
}

function waitFor<T>(open: OpenFlight<T>, waitMs: number, signal: AbortSignal | undefined): Promise<FlightPart<T>> {
  return new Promise((resolve) => {
    const waiting: Waiting<T> = {
      resolve(part) {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        resolve(part);
      },
    };
    const giveUp = (): void => {
      open.waiting.delete(waiting);
      waiting.resolve({ role: 'alone', reason: 'timeout' });
    };
    const timer = setTimeout(giveUp, waitMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    open.waiting.add(waiting);
    if (signal?.aborted === true) giveUp();
  });
}
