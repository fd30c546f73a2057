import { afterEach, describe, expect, it, vi } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import type { AnswerClient } from './answer-client.js';
import { CompletionSink } from './completion-sink.js';
import { followAnswer } from './follow-answer.js';
import { LiveAnswer, type LiveEnd } from './live-answer.js';
import type { RequestState } from './request-state.js';
import type { Ending } from './request-ledger.js';

const WHOLE: LiveEnd = { kind: 'whole', costPicoUsd: '7', finishReason: 'stop', meters: {} };
const SALT = new Uint8Array(16);
const piece = (n: number, text = ''): string => JSON.stringify({ n, text });

/** A client that can be made to read nothing. */
class TestClient implements AnswerClient {
  readonly #left = new AbortController();
  readonly shown: string[] = [];
  readonly end = Promise.withResolvers<string>();
  reads = true;
  #drains: (() => void)[] = [];
  readonly streamStarted = true;

  get gone(): AbortSignal {
    return this.#left.signal;
  }
  get numbers(): readonly number[] {
    return this.shown.map((data) => (JSON.parse(data) as { n: number }).n);
  }
  leave(): void {
    this.#left.abort();
  }
  drain(): void {
    this.reads = true;
    const drains = this.#drains;
    this.#drains = [];
    for (const resume of drains) resume();
  }
  sendJson(): void {}
  startStream(): void {}
  writeData(data: string): boolean {
    this.shown.push(data);
    return this.reads;
  }
  onDrain(resume: () => void): void {
    this.#drains.push(resume);
  }
  endStream(): void {
    this.end.resolve('done');
  }
  fail(error: RouterError): void {
    this.end.resolve(error.code);
  }
}

interface Follower {
  readonly client: TestClient;
  readonly served: Promise<true>;
  readonly endings: Ending[];
}

function follow(live: LiveAnswer, reads = true): Follower {
  const client = new TestClient();
  client.reads = reads;
  const endings: Ending[] = [];
  const state = {
    parts: { clock: { monotonicMs: () => 0 }, durability: 'strict', slowReaderMs: 30_000 },
    context: { receiptId: 'follower', key: { tenantId: 't' }, body: { stream: true } },
    client,
    plan: null,
    ledger: {
      cached: () => undefined,
      responseSalt: () => SALT,
      cost: () => ({ costPicoUsd: '0', costStatus: 'free' }),
      seal: (ending: Ending) => {
        endings.push(ending);
        return { receipt: {}, written: Promise.resolve(), durable: Promise.resolve() };
      },
    },
  } as unknown as RequestState;
  live.admit();
  return { client, served: followAnswer(state, live), endings };
}

function lead(live: LiveAnswer): { readonly sink: CompletionSink; readonly client: TestClient } {
  const client = new TestClient();
  const sink = new CompletionSink(client, {
    receiptId: 'leader',
    salt: SALT,
    clientWantsUsage: false,
    keepChunks: true,
    live,
    onLive: () => undefined,
    streamHeaders: () => [],
  });
  return { sink, client };
}

afterEach(() => vi.useRealTimers());

describe('reading a running stream along', () => {
  it('gives a slow client all of it at its own pace, while another reads on', async () => {
    const live = new LiveAnswer('leader');
    const slow = follow(live, false);
    const quick = follow(live);

    for (const n of [1, 2, 3]) live.add(piece(n), false);
    live.finish(WHOLE);
    await quick.served;
    const meanwhile = [slow.client.numbers, quick.client.numbers];
    slow.client.drain();
    await slow.served;

    expect(meanwhile).toEqual([[1], [1, 2, 3]]);
    expect(slow.client.numbers).toEqual([1, 2, 3]);
    expect(await slow.client.end.promise).toBe('done');
    expect(slow.endings[0]).toMatchObject({ status: 'ok', streamComplete: true, avoidedPicoUsd: 7n });
  });

  it('ends a client that is too far behind with an error, and no other', async () => {
    const live = new LiveAnswer('leader');
    const slow = follow(live, false);
    const quick = follow(live);

    for (let n = 1; n <= 400; n += 1) live.add(piece(n, 'x'.repeat(1_000)), false);
    slow.client.drain();
    live.finish(WHOLE);
    await Promise.all([slow.served, quick.served]);

    expect([await slow.client.end.promise, await quick.client.end.promise]).toEqual(['upstream_truncated', 'done']);
    expect(quick.client.numbers).toHaveLength(400);
    expect(slow.endings[0]).toMatchObject({ status: 'truncated', streamComplete: false });
  });

  it('gives up a client that reads nothing at all', async () => {
    vi.useFakeTimers();
    const live = new LiveAnswer('leader');
    const dead = follow(live, false);
    live.add(piece(1), false);

    await vi.advanceTimersByTimeAsync(30_000);
    await dead.served;

    expect([await dead.client.end.promise, live.followers]).toEqual(['upstream_truncated', 0]);
  });

  it('ends with the error of the one that leads, after all that came before it', async () => {
    const live = new LiveAnswer('leader');
    const follower = follow(live);
    live.add(piece(1), false);

    live.finish({ kind: 'broken', error: new RouterError({ code: 'upstream_truncated', publicMessage: 'x' }) });
    await follower.served;

    expect([follower.client.numbers, await follower.client.end.promise]).toEqual([[1], 'upstream_truncated']);
  });

  it('is left without a trace for the others', async () => {
    const live = new LiveAnswer('leader');
    const [leaving, staying] = [follow(live), follow(live)];
    live.add(piece(1), false);

    leaving.client.leave();
    await leaving.served;
    live.add(piece(2), false);
    live.finish(WHOLE);
    await staying.served;

    expect([leaving.client.numbers, staying.client.numbers]).toEqual([[1], [1, 2]]);
    expect(leaving.endings[0]).toMatchObject({ status: 'aborted', httpStatus: 499 });
  });

  it('shows usage to nobody who did not ask for it', async () => {
    const live = new LiveAnswer('leader');
    const follower = follow(live);
    live.add('{"n":1,"usage":{"total_tokens":5}}', false);
    live.add('{"n":2,"usage":{"total_tokens":5}}', true);

    live.finish(WHOLE);
    await follower.served;

    expect(follower.client.shown.join('')).not.toContain('total_tokens');
    expect(follower.client.numbers).toEqual([1]);
  });
});

describe('the client whose stream others read along', () => {
  it('holds the provider back while nobody else reads, and no more once somebody does', () => {
    const live = new LiveAnswer('leader');
    const { sink, client } = lead(live);
    client.reads = false;
    let resumed = 0;

    const alone = sink.event(piece(1), false);
    sink.onDrain(() => {
      resumed += 1;
    });
    const follower = follow(live);
    const followed = sink.event(piece(2), false);
    follower.client.leave();
    const aloneAgain = sink.event(piece(3), false);

    expect([alone, resumed, followed, aloneAgain]).toEqual([false, 1, true, false]);
    expect(follower.client.numbers).toEqual([1, 2]);
  });

  it('is cut off when too much waits for it', async () => {
    const live = new LiveAnswer('leader');
    const { sink, client } = lead(live);
    const follower = follow(live);
    client.reads = false;

    for (let n = 1; n <= 1_100; n += 1) sink.event(piece(n, 'x'.repeat(1_000)), false);

    expect([sink.cutOff, await client.end.promise]).toEqual([true, 'upstream_truncated']);
    expect(follower.client.numbers).toHaveLength(1_100);
  });
});
