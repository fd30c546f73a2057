import { describe, expect, it } from 'vitest';
import type { CacheContent, CacheKey } from '#semantic-cache/ports/semantic-cache.js';
import { AnswerFlights } from './answer-flights.js';

const key = { scope: 's', id: 'i', exactHash: 'h' } as CacheKey;
const content = { question: 'q' } as CacheContent;
const here = new AbortController().signal;

describe('AnswerFlights', () => {
  it('gives all who wait the answer of the first', async () => {
    const flights = new AnswerFlights();
    expect(await flights.join(key, 'leader', here)).toBeNull();
    const waiting = [flights.join(key, 'b', here), flights.join(key, 'c', here)];

    flights.share(key, 'leader', content, true);
    flights.landed(key, 'leader');

    expect(await Promise.all(waiting)).toEqual([
      { content, receiptId: 'leader' },
      { content, receiptId: 'leader' },
    ]);
  });

  it('lets the waiting go on alone when the leader fails, or may not share', async () => {
    const flights = new AnswerFlights();
    await flights.join(key, 'leader', here);
    const waiting = flights.join(key, 'b', here);

    flights.share(key, 'leader', content, false);
    flights.landed(key, 'leader');

    expect(await waiting).toBeNull();
  });

  it('keeps other questions apart', async () => {
    const flights = new AnswerFlights();
    await flights.join(key, 'leader', here);

    const other = await flights.join({ ...key, id: 'other' }, 'b', here);

    expect(other).toBeNull();
  });

  it('does not wait longer than it may, nor for a client that has left', async () => {
    const flights = new AnswerFlights(10);
    await flights.join(key, 'leader', here);
    const gone = new AbortController();
    const left = flights.join(key, 'b', gone.signal);
    gone.abort();

    const late = flights.join(key, 'c', here);

    expect(await left).toBeNull();
    expect(await late).toBeNull();
  });

  it('is not ended by someone who does not lead it', async () => {
    const flights = new AnswerFlights();
    await flights.join(key, 'leader', here);
    flights.landed(key, 'stranger');
    const waiting = flights.join(key, 'b', here);

    flights.share(key, 'leader', content, true);

    expect(await waiting).toEqual({ content, receiptId: 'leader' });
  });
});
