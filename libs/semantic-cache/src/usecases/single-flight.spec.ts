import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Flight, FlightPart } from '../ports/single-flight.js';
import { createSingleFlight } from './single-flight.js';

const flightOf = <T>(part: FlightPart<T>): Flight<T> => {
  if (part.role !== 'lead') throw new Error(part.role);
  return part.flight;
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('single flight', () => {
  it('lets one of a hundred lead and gives its answer to all', async () => {
    const flights = createSingleFlight<string>();

    const leader = flightOf(await flights.join('k', 1_000));
    const others = Array.from({ length: 99 }, () => flights.join('k', 1_000));
    leader.land('answer', 1);

    expect(new Set((await Promise.all(others)).map((part) => JSON.stringify(part)))).toEqual(
      new Set(['{"role":"answer","value":"answer"}']),
    );
  });

  it('keeps different keys apart', async () => {
    const flights = createSingleFlight<string>();

    await flights.join('a', 1_000);

    expect((await flights.join('b', 1_000)).role).toBe('lead');
  });

  it('gives a landed answer for a while and then flies again', async () => {
    const flights = createSingleFlight<string>({ lingerMs: 30 });
    flightOf(await flights.join('k', 1_000)).land('answer', 1);

    const soon = await flights.join('k', 1_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const later = await flights.join('k', 1_000);

    expect(soon).toEqual({ role: 'answer', value: 'answer' });
    expect(later.role).toBe('lead');
  });

  it('makes the first who waits the next leader when the leader fails, and the others wait for that one', async () => {
    const flights = createSingleFlight<string>();
    const leader = flightOf(await flights.join('k', 1_000));
    const second = flights.join('k', 1_000);
    const third = flights.join('k', 1_000);

    leader.fail();
    const next = flightOf(await second);
    leader.land('too late', 1);
    next.land('from the second', 1);

    expect(await third).toEqual({ role: 'answer', value: 'from the second' });
  });

  it('is over when a leader fails alone', async () => {
    const flights = createSingleFlight<string>();
    flightOf(await flights.join('k', 1_000)).fail();

    expect((await flights.join('k', 1_000)).role).toBe('lead');
  });

  it('sends all who wait on their own way when the answer must not be shared', async () => {
    const flights = createSingleFlight<string>();
    const leader = flightOf(await flights.join('k', 1_000));
    const others = [flights.join('k', 1_000), flights.join('k', 1_000)];

    leader.dissolve();

    expect(await Promise.all(others)).toEqual(
      Array.from({ length: 2 }, () => ({ role: 'alone', reason: 'not_shareable' })),
    );
    expect((await flights.join('k', 1_000)).role).toBe('lead');
  });

  it('waits no longer than asked, nor for a client that went away', async () => {
    const flights = createSingleFlight<string>();
    const leader = flightOf(await flights.join('k', 1_000));
    const gone = new AbortController();
    const aborted = flights.join('k', 10_000, gone.signal);

    expect(await flights.join('k', 20)).toEqual({ role: 'alone', reason: 'timeout' });
    gone.abort();
    expect(await aborted).toEqual({ role: 'alone', reason: 'timeout' });
    leader.fail();
    await turn();
    expect((await flights.join('k', 1_000)).role).toBe('lead');
  });

  it('bounds those who wait and the answers that linger', async () => {
    const flights = createSingleFlight<string>({ waitingMax: 1, lingeringMax: 1 });
    const leader = flightOf(await flights.join('a', 1_000));
    const waiting = flights.join('a', 1_000);

    expect(await flights.join('a', 1_000)).toEqual({ role: 'alone', reason: 'crowded' });
    leader.land('a', 1);
    await waiting;
    flightOf(await flights.join('b', 1_000)).land('b', 1);

    expect((await flights.join('a', 1_000)).role).toBe('lead');
    expect((await flights.join('b', 1_000)).role).toBe('answer');
  });
});

const land = async (flights: ReturnType<typeof createSingleFlight<string>>, id: string, bytes: number) =>
  flightOf(await flights.join(id, 1_000)).land(id, bytes);

describe('answers that linger', () => {
  afterEach(() => vi.useRealTimers());

  it('are bounded by their bytes: the oldest goes first, and one that is too large by itself stays out', async () => {
    const flights = createSingleFlight<string>({ lingeringBytesMax: 100 });

    for (const [id, bytes] of [
      ['old', 60],
      ['new', 40],
      ['newer', 60],
      ['huge', 101],
    ] as const) {
      await land(flights, id, bytes);
    }

    const roles = async (...ids: string[]) =>
      (await Promise.all(ids.map((id) => flights.join(id, 1_000)))).map(({ role }) => role);
    expect(await roles('old', 'new', 'newer', 'huge')).toEqual(['lead', 'answer', 'answer', 'lead']);
  });

  it('of a thousand flights wait for one timer, which holds none that has gone already', async () => {
    vi.useFakeTimers();
    const flights = createSingleFlight<string>({ lingerMs: 1_000, lingeringMax: 10 });
    const timersBefore = vi.getTimerCount();

    for (let at = 0; at < 1_000; at += 1) await land(flights, `k${at}`, 1);
    const timersMeanwhile = vi.getTimerCount() - timersBefore;
    await vi.advanceTimersByTimeAsync(600);
    await land(flights, 'late', 1);
    await vi.advanceTimersByTimeAsync(600);

    expect(timersMeanwhile).toBe(1);
    expect((await flights.join('late', 1_000)).role).toBe('answer');
    expect((await flights.join('k999', 1_000)).role).toBe('lead');
  });
});

const live = (room = Infinity): { name: string; admit: () => boolean } => ({ name: 'live', admit: () => room-- > 0 });
type Live = ReturnType<typeof live>;

const leaderOf = (part: FlightPart<string, Live>): Flight<string, Live> => {
  if (part.role !== 'lead') throw new Error(part.role);
  return part.flight;
};

describe('single flight of a stream', () => {
  it('is joined by those who wait for a stream and by those who come while it runs; others wait for the whole', async () => {
    const flights = createSingleFlight<string, Live>();
    const leader = leaderOf(await flights.join('k', 1_000, undefined, true));
    const waiting = flights.join('k', 1_000, undefined, true);
    const whole = flights.join('k', 1_000);
    const running = live();

    leader.stream(running);
    const late = flights.join('k', 1_000, undefined, true);
    const parts = [await waiting, await late];
    leader.land('answer', 1);

    expect(parts).toEqual(Array.from({ length: 2 }, () => ({ role: 'follow', live: running })));
    expect(await whole).toEqual({ role: 'answer', value: 'answer' });
  });

  it('lets those wait for the whole whom the stream does not admit', async () => {
    const flights = createSingleFlight<string, Live>();
    const leader = leaderOf(await flights.join('k', 1_000, undefined, true));
    const waiting = flights.join('k', 1_000, undefined, true);

    leader.stream(live(0));
    const late = flights.join('k', 1_000, undefined, true);
    leader.land('answer', 1);

    expect([(await waiting).role, (await late).role]).toEqual(['answer', 'answer']);
  });

  it('is not joined any more once its leader has failed: one who waits leads anew', async () => {
    const flights = createSingleFlight<string, Live>();
    const leader = leaderOf(await flights.join('k', 1_000, undefined, true));
    const whole = flights.join('k', 1_000);
    leader.stream(live());

    leader.fail();
    const next = leaderOf(await whole);
    const late = flights.join('k', 1_000, undefined, true);
    next.land('from the second', 1);

    expect(await late).toEqual({ role: 'answer', value: 'from the second' });
  });

  it('tells its leader when the last one who waits has given up', async () => {
    const flights = createSingleFlight<string, Live>();
    const leader = leaderOf(await flights.join('k', 1_000));
    const gone = new AbortController();
    const waiting = flights.join('k', 1_000, gone.signal);
    const seen: number[] = [leader.waiting];
    leader.onDeserted(() => seen.push(leader.waiting));

    gone.abort();
    await waiting;

    expect(seen).toEqual([1, 0]);
  });
});
