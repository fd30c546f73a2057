import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CollectingRecorder, CollectingSink, TEST_LIMITS, testRequest } from './__fixtures__/dispatch-probe.js';
import { openEngine } from './__fixtures__/engine-bench.js';
import { ANSWER_TEXT, completionJson, embeddingsJson, USAGE } from './__fixtures__/wire-samples.js';

type Engine = Awaited<ReturnType<typeof openEngine>>;

let engine: Engine;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeEach(async () => {
  process.on('unhandledRejection', onUnhandled);
  engine = await openEngine();
});
afterEach(async () => {
  await engine.close();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('an answer', () => {
  it('passes JSON through byte for byte, with the usage of the provider', async () => {
    const { result, sink, recorder } = await engine.send(['a/f:ok']);

    expect(sink.body).toBe(completionJson());
    expect(result).toMatchObject({ status: 'ok', error: null, finishReason: 'stop' });
    expect(result.served).toMatchObject({
      n: 1,
      kind: 'primary',
      status: 'ok',
      httpStatus: 200,
      billed: 'yes',
      movedOn: null,
      providerRequestId: 'req_fault',
      usageSource: 'provider',
      usageRaw: USAGE,
      meters: { input_uncached: 8, input_cache_read: 3, output_text: 5, output_reasoning: 2 },
    });
    expect(recorder.intents.map((intent) => intent.n)).toEqual([1]);
    expect(recorder.outcomes).toEqual(result.attempts);
  });

  it('passes embeddings through', async () => {
    const body = { model: 'alias', input: ['a'] };
    const { result, sink } = await engine.send(['a/f:ok'], { api: 'embeddings', body });

    expect(result.status).toBe('ok');
    expect(sink.body).toBe(embeddingsJson());
  });

  it.each([
    'f:ok',
    's_crlf',
    's_cr',
    's_nospace',
    's_comments',
    's_evid',
    's_bom',
    's_multidata',
    's_nofinalnl',
    's_usagelast',
    's_usagefirst',
    's_nodone',
    's_afterdone',
  ])('relays the stream shape %s without loss', async (name) => {
    const { result, sink } = await engine.send([`a/f:${name.replace('f:', '')}`], { streamed: true });

    expect(result).toMatchObject({ status: 'ok', finishReason: 'stop', error: null });
    expect(sink.text).toBe(ANSWER_TEXT);
    expect(result.served).toMatchObject({ usageSource: 'provider', usageRaw: USAGE });
    expect(sink.events).not.toContain('[DONE]');
  });

  it.each(['s_nousage', 'nousage'])('estimates the usage that %s does not send, and says so', async (name) => {
    const { result } = await engine.send([`a/f:${name}`], { streamed: name.startsWith('s_') });

    expect(result.served).toMatchObject({ usageSource: 'estimated', usageFlags: ['usage_missing'], usageRaw: null });
    expect(result.served?.meters.output_text).toBeGreaterThan(5);
    expect(result.served?.meters.input_uncached).toBeGreaterThan(0);
  });

  it('relays tool calls', async () => {
    const { result, sink } = await engine.send(['a/f:s_tools'], { streamed: true });

    expect(result).toMatchObject({ status: 'ok', finishReason: 'tool_calls' });
    expect(sink.events[1]).toContain('"arguments":"{\\"a\\":1}"');
  });

  it('takes an event of 2 MiB and 5,000 small ones', async () => {
    const big = await engine.send(['a/f:s_big'], { streamed: true });
    const many = await engine.send(['a/f:s_many:5000'], { streamed: true });

    expect(big.sink.text.length).toBe(2 * 1024 * 1024 + ANSWER_TEXT.length);
    expect(many.result.status).toBe('ok');
    expect(many.sink.text.length).toBe(15_000);
  });

  it('holds nothing back once content is there', async () => {
    const sink = new CollectingSink();
    const atMs: number[] = [];
    sink.onEvent = () => void atMs.push(performance.now());
    const request = testRequest([{ provider: 'a', model: 'f:s_slow:30' }], { streamed: true });

    await engine.dispatcher.dispatch(request, sink, new CollectingRecorder(), new AbortController().signal);

    expect(atMs.at(-1)! - atMs[0]!).toBeGreaterThan(150);
  });

  it('counts a finish reason as the end even when the connection is reset after it', async () => {
    const { result } = await engine.send(['a/f:s_resetafterfinish'], { streamed: true });

    expect(result).toMatchObject({ status: 'ok', finishReason: 'stop' });
    expect(result.served?.usageSource).toBe('estimated');
  });

  it('uses the connection of a finished stream again', async () => {
    for (let i = 0; i < 5; i += 1) {
      await engine.send(['a/f:ok'], { streamed: true });
      await sleep(10);
    }

    expect(await engine.a.connections()).toBe(1);
  });
});

/** Target → client status, code of the error, upstream calls, what the attempts say. One row of the table each. */
const FAILURES: readonly (readonly [string, boolean, number, string, number, object])[] = [
  ['400', false, 400, 'upstream_rejected', 1, { billed: 'no' }],
  ['404', false, 404, 'upstream_rejected', 1, {}],
  ['413', false, 413, 'upstream_rejected', 1, {}],
  ['422', true, 422, 'upstream_rejected', 1, {}],
  ['policy', false, 400, 'content_policy_violation', 1, {}],
  ['401', false, 502, 'upstream_auth_failed', 1, { billed: 'no' }],
  ['403', true, 502, 'upstream_auth_failed', 1, {}],
  ['429:quota', false, 429, 'upstream_quota_exhausted', 1, {}],
  ['429:ra0', false, 429, 'upstream_rate_limited', 2, { billed: 'no' }],
  ['429:ra3600', false, 429, 'upstream_rate_limited', 1, {}],
  ['408', false, 504, 'upstream_error', 2, {}],
  ['409', false, 409, 'upstream_error', 2, {}],
  ['500', false, 502, 'upstream_error', 2, { billed: 'unknown' }],
  ['503', true, 502, 'upstream_error', 2, {}],
  ['529', false, 502, 'upstream_error', 2, {}],
  ['html502', true, 502, 'upstream_error', 2, {}],
  ['reset', false, 502, 'upstream_error', 2, { billed: 'unknown', httpStatus: 0 }],
  ['garbage', true, 502, 'upstream_error', 2, {}],
  ['bigheaders', false, 502, 'upstream_error', 2, {}],
  ['resethdr', false, 502, 'upstream_bad_response', 1, { httpStatus: 200 }],
  ['short', false, 502, 'upstream_bad_response', 1, {}],
  ['html200', false, 502, 'upstream_bad_response', 1, {}],
  ['html200', true, 502, 'upstream_bad_response', 1, {}],
  ['empty200', false, 502, 'upstream_bad_response', 1, {}],
  ['badjson', false, 502, 'upstream_bad_response', 1, {}],
  ['wrongshape', false, 502, 'upstream_bad_response', 1, {}],
  ['nochoices', false, 502, 'upstream_bad_response', 1, {}],
  ['bomb', false, 502, 'upstream_bad_response', 1, {}],
  ['huge', false, 502, 'upstream_bad_response', 1, {}],
  ['json200', false, 502, 'upstream_error', 2, {}],
  ['json200', true, 502, 'upstream_error', 2, {}],
  ['plainjson', true, 502, 'upstream_bad_response', 1, {}],
  ['hang', false, 504, 'upstream_timeout', 1, { status: 'timeout', billed: 'unknown' }],
  ['hang', true, 504, 'upstream_timeout', 1, { status: 'timeout' }],
  ['hangbody', false, 504, 'upstream_timeout', 1, { status: 'timeout', httpStatus: 200 }],
  ['hangbody', true, 504, 'upstream_timeout', 1, { status: 'timeout' }],
  ['drip', true, 504, 'upstream_timeout', 1, {}],
  ['s_errfirst', true, 429, 'upstream_rate_limited', 1, {}],
  ['s_reset0', true, 502, 'upstream_bad_response', 1, {}],
  ['s_fin0', true, 502, 'upstream_bad_response', 1, {}],
  ['s_doneonly', true, 502, 'upstream_bad_response', 1, {}],
  ['s_html', true, 502, 'upstream_bad_response', 1, {}],
  ['s_roleonly', true, 502, 'upstream_bad_response', 1, {}],
  ['s_holdflood', true, 502, 'upstream_bad_response', 1, {}],
];

describe('a failure before the first content', () => {
  it.each(FAILURES)(
    '%s (stream: %s) ends as %i %s after %i calls',
    async (name, streamed, status, code, calls, attempt) => {
      const { result, sink, recorder } = await engine.send([`a/f:${name}`], { streamed });

      expect(result).toMatchObject({ status: 'failed', served: null, error: { httpStatus: status, code } });
      expect(engine.a.calls.length).toBe(calls);
      expect(result.attempts.length).toBe(calls);
      expect(result.attempts.at(-1)).toMatchObject({ errorCode: code, usageSource: 'none', ...attempt });
      expect([sink.body, sink.started, sink.events]).toEqual([null, null, []]);
      expect(recorder.outcomes.length).toBe(recorder.intents.length);
      expect(JSON.stringify(result) + result.error?.message).not.toMatch(/UPSTREAMSECRET|injected 5/);
    },
  );

  it('never follows a redirect', async () => {
    const { result } = await engine.send([`a/f:redirect:${engine.b.port}`]);

    expect(result.error).toMatchObject({ httpStatus: 502, code: 'upstream_bad_response' });
    expect(engine.b.calls).toEqual([]);
  });

  it('tells an unreachable provider as 503 without a wait', async () => {
    const { result } = await engine.send(['dead/x']);

    expect(result.error).toMatchObject({ httpStatus: 503, code: 'upstream_unavailable' });
    expect(result.attempts).toMatchObject([{ billed: 'no', httpStatus: 0, movedOn: 'no_target_left' }]);
  });

  it.each([...new Set(FAILURES.filter(([, , status]) => status >= 429).map(([name]) => name))])(
    'moves on from %s to the next target',
    async (name) => {
      for (const streamed of [false, true]) {
        const { result, sink } = await engine.send([`a/f:${name}`, 'b/f:ok'], { streamed });
        if (result.attempts.length === 1) continue;

        expect(result).toMatchObject({ status: 'ok', served: { provider: 'b', kind: 'fallback', n: 2 } });
        expect(result.attempts[0]).toMatchObject({ movedOn: 'next_target' });
        if (streamed) expect([sink.text, sink.started?.attempts]).toEqual([ANSWER_TEXT, 2]);
        else expect(sink.body).toBe(completionJson());
      }
      expect(engine.b.calls.length).toBeGreaterThan(0);
    },
  );

  it.each(['400', '404', '413', '422', 'policy'])('does not send the refused body of %s elsewhere', async (name) => {
    await engine.send([`a/f:${name}`, 'b/f:ok']);

    expect(engine.b.calls).toEqual([]);
  });

  it('sends what is too long only to a larger context', async () => {
    const kept = await engine.send(['a/f:ctx', 'b/f:other']);
    const served = await engine.send(['a/f:ctx', 'b/f:other', 'b/f:ok']);

    expect(kept.result.error).toMatchObject({ httpStatus: 400, code: 'context_length_exceeded' });
    expect(served.result.attempts.map(({ model, movedOn }) => [model, movedOn])).toEqual([
      ['f:ctx', 'larger_target'],
      ['f:ok', null],
    ]);
  });

  it.each([false, true])('recovers on the only target (stream: %s)', async (streamed) => {
    const { result } = await engine.send(['a/f:flaky:1'], { streamed });

    expect(result).toMatchObject({ status: 'ok', served: { kind: 'retry', n: 2 } });
    expect(result.attempts[0]?.movedOn).toBe('retry');
  });

  it('makes three attempts at most, one for each target first', async () => {
    const { result } = await engine.send(['a/f:500', 'b/f:502', 'a/f:503', 'b/f:ok']);

    expect(result.status).toBe('failed');
    expect(result.attempts.map(({ movedOn }) => movedOn)).toEqual(['next_target', 'next_target', 'attempts_exhausted']);
  });

  it('recovers from a reset of a reused connection', async () => {
    await engine.send(['a/f:closeidle']);
    const { result } = await engine.send(['a/f:ok']);

    expect(result.status).toBe('ok');
  });

  it('removes keys from the words of a provider', async () => {
    const { result } = await engine.send(['a/f:leaky400']);

    expect(result.error?.publicMessage).toBe('bad key [removed] in field');
  });
});

/** For what does not look at timeouts: a busy machine must not bring them in. */
const PATIENT = { ...TEST_LIMITS, firstTokenTimeoutMs: 20_000, idleTimeoutMs: 20_000, totalTimeoutMs: 60_000 };

describe('a failure after the first content', () => {
  it.each([
    ['s_reset', 'error', 'upstream_truncated'],
    ['s_fin', 'error', 'upstream_truncated'],
    ['s_errmid', 'error', 'upstream_error'],
    ['s_errchunk', 'error', 'upstream_error'],
    ['s_badjson', 'error', 'upstream_truncated'],
    ['s_toobig', 'error', 'upstream_truncated'],
    ['s_twochoices', 'error', 'upstream_truncated'],
    ['s_stall', 'timeout', 'upstream_timeout'],
    ['s_pingstall', 'timeout', 'upstream_timeout'],
  ])('%s is truncated and never retried', async (name, status, errorCode) => {
    const limits = status === 'timeout' ? { ...PATIENT, idleTimeoutMs: TEST_LIMITS.idleTimeoutMs } : PATIENT;

    const { result, sink } = await engine.send([`a/f:${name}`, 'b/f:ok'], { streamed: true, limits });

    expect(result).toMatchObject({ status: 'truncated', error: { code: 'upstream_truncated' } });
    expect(result.attempts).toMatchObject([{ status, errorCode, movedOn: 'after_content', usageSource: 'estimated' }]);
    expect(result.served).toBe(result.attempts[0]);
    expect(result.served?.latencyMs).toBeLessThan(PATIENT.idleTimeoutMs);
    expect(sink.started).not.toBeNull();
    for (const event of sink.events) expect(() => JSON.parse(event) as unknown).not.toThrow();
    expect(sink.events.join('')).not.toContain('"error"');
    expect(engine.b.calls).toEqual([]);
  });

  it('ends at the total time', async () => {
    const limits = { ...TEST_LIMITS, totalTimeoutMs: 200 };
    const { result } = await engine.send(['a/f:s_slow:50'], { streamed: true, limits });

    expect(result).toMatchObject({ status: 'truncated', attempts: [{ status: 'timeout' }] });
  });
});

describe('a client that goes', () => {
  it.each([
    ['hang', false, 60],
    ['hang', true, 60],
    ['slow:500', false, 60],
    ['hangbody', true, 60],
    ['s_slow:60', true, 150],
    ['s_many:1000000', true, 60],
    ['s_pingstall', true, 60],
  ])('takes the upstream call of %s (stream: %s) with it', async (name, streamed, afterMs) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), afterMs);

    const { result } = await engine.send([`a/f:${name}`, 'b/f:ok'], { streamed }, controller);

    expect(result).toMatchObject({ status: 'aborted', error: { code: 'client_closed', httpStatus: 499 } });
    expect(result.attempts).toMatchObject([{ status: 'aborted', movedOn: 'client_closed', billed: 'unknown' }]);
    await expect.poll(() => engine.a.calls[0]?.aborted, { timeout: 250, interval: 5 }).toBe(true);
    expect(engine.b.calls).toEqual([]);
    expect(engine.dispatcher.inFlight).toBe(0);
    await expect.poll(() => engine.a.connections(), { timeout: 500 }).toBe(0);
  });

  it('ends the wait before a retry', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);

    const { result } = await engine.send(['a/f:500'], {}, controller);

    expect(result).toMatchObject({ status: 'aborted', attempts: [{ status: 'error', movedOn: 'retry' }] });
    expect(engine.a.calls.length).toBe(1);
  });

  it('leaves nothing behind, a few hundred times at random moments', async () => {
    const models = ['hang', 's_slow:5', 'ok', 'slow:20', 's_pingstall', '500', 'reset'];
    const runs = Array.from({ length: 210 }, async (_, i) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), (i * 7) % 60);
      return engine.send([`a/f:${models[i % models.length]}`], { streamed: i % 2 === 0 }, controller);
    });

    const ends = await Promise.all(runs);

    expect(ends.every(({ recorder }) => recorder.outcomes.length === recorder.intents.length)).toBe(true);
    expect(engine.dispatcher.inFlight).toBe(0);
    await sleep(50);
    await expect.poll(() => engine.a.calls.filter((call) => /hang|ping/.test(call.model) && !call.aborted)).toEqual([]);
  });
});

describe('a client that reads slowly', () => {
  it('pauses the upstream and gets everything after its drain', async () => {
    const sink = new CollectingSink();
    sink.full = 10;
    const target = { provider: 'a', model: 'f:s_many:100000' };
    const request = testRequest([target], { streamed: true, limits: PATIENT });
    const done = engine.dispatcher.dispatch(request, sink, new CollectingRecorder(), new AbortController().signal);
    await sleep(400);
    const whilePaused = sink.events.length;
    await sleep(100);
    expect(sink.events.length).toBe(whilePaused);
    expect(whilePaused).toBeLessThan(5_000);

    sink.full = Number.POSITIVE_INFINITY;
    sink.resume?.();
    const result = await done;

    expect(result.status).toBe('ok');
    expect(sink.text.length).toBe(300_000);
  });
});

describe('a provider that is dead', () => {
  it('costs five calls and hardly any others, over a thousand requests', async () => {
    const results: string[] = [];
    for (let round = 0; round < 250; round += 1) {
      const batch = [0, 1, 2, 3].map(() => engine.send(['a/f:500', 'b/f:ok', 'dead/x']));
      for (const { result } of await Promise.all(batch)) results.push(result.status);
    }

    const probes = engine.a.calls.length - 5;
    expect(results.filter((status) => status === 'ok').length).toBe(1_000);
    expect(probes).toBeLessThanOrEqual(3);
    expect(engine.a.calls.length + engine.b.calls.length).toBeLessThanOrEqual(1_200);
    expect(engine.dispatcher.breakers().find(({ target }) => target.startsWith('a/f:500'))?.state).not.toBe('closed');
  });

  it('is told within 100 ms once all targets are cut off, but for one probe at a time', async () => {
    for (let i = 0; i < 3; i += 1) await engine.send(['a/f:hang', 'b/f:hang'], { streamed: true });
    await Promise.all([0, 1].map(() => engine.send(['a/f:hang', 'b/f:hang'], { streamed: true })));
    const before = engine.a.calls.length + engine.b.calls.length;
    const startedMs = performance.now();

    const [probe, ...others] = Array.from({ length: 20 }, () =>
      engine.send(['a/f:hang', 'b/f:hang'], { streamed: true }),
    );
    const ends = await Promise.all(others);

    expect(performance.now() - startedMs).toBeLessThan(100);
    for (const { result } of ends) {
      expect(result).toMatchObject({
        status: 'failed',
        attempts: [],
        error: { httpStatus: 503, code: 'upstream_unavailable' },
      });
      expect(result.error?.retryAfterMs).toBeGreaterThan(0);
    }
    await probe;
    expect(engine.a.calls.length + engine.b.calls.length - before).toBe(1);
  });
});
