import { describe, expect, it } from 'vitest';
import { CollectingRecorder, CollectingSink, TEST_LIMITS, testRequest } from '../__fixtures__/dispatch-probe.js';
import { realClock } from '../__fixtures__/real-clock.js';
import { testProvider, testRegistry } from '../__fixtures__/test-providers.js';
import { chunkJson, completionJson, errorJson, sse, streamEvents } from '../__fixtures__/wire-samples.js';
import { ScriptedTransport, type Script, type ScriptStep } from '../adapters/scripted/scripted-transport.js';
import { createDispatcher } from '../dispatch.module.js';
import type { DispatchRequest } from '../ports/dispatcher.js';

const good: readonly ScriptStep[] = [
  { do: 'headers', status: 200, headers: { 'content-type': 'application/json' } },
  { do: 'data', bytes: completionJson() },
  { do: 'end' },
];
const refusal = (
  status: number,
  headers: Record<string, string> = {},
  code: string | null = null,
): readonly ScriptStep[] => [
  { do: 'headers', status, headers },
  { do: 'data', bytes: errorJson('no', 'server_error', code) },
  { do: 'end' },
];
const stream = (text: string): readonly ScriptStep[] => [
  { do: 'headers', status: 200, headers: { 'content-type': 'text/event-stream' } },
  { do: 'data', bytes: text },
  { do: 'end' },
];

const slowly = (ms: number, then: readonly ScriptStep[]): readonly ScriptStep[] => [{ do: 'wait', ms }, ...then];

function openBilling(script: Script, drainMs: number) {
  const plain = testProvider('a', 'http://a.invalid/v1');
  const registry = testRegistry([{ ...plain, adapter: { ...plain.adapter, cancels: false } }]);
  const transport = new ScriptedTransport(script);
  const dispatcher = createDispatcher({ registry, transport, clock: realClock, drainMs });
  const controller = new AbortController();
  const sink = new CollectingSink();
  const request = testRequest([{ provider: 'a', model: 'm' }], { streamed: true });
  const ended = dispatcher.dispatch(request, sink, new CollectingRecorder(), controller.signal);
  return { transport, dispatcher, controller, sink, ended };
}
const inTwo = (last: readonly ScriptStep[]): readonly ScriptStep[] => [
  { do: 'headers', status: 200, headers: { 'content-type': 'text/event-stream' } },
  { do: 'data', bytes: sse(streamEvents().slice(0, 2)) },
  { do: 'wait', ms: 60 },
  ...last,
];

const throwing = (): never => {
  throw new Error('a bug');
};

function open(script: Script, keys: readonly string[] = ['k']) {
  const transport = new ScriptedTransport(script);
  const registry = testRegistry([
    testProvider('a', 'http://a.invalid/v1', keys),
    testProvider('b', 'http://b.invalid/v1'),
    testProvider('free', 'http://free.invalid/v1', []),
  ]);
  const dispatcher = createDispatcher({ registry, transport, clock: realClock, random: () => 0, slowReaderMs: 60 });
  const send = async (
    providers: readonly string[],
    over: Partial<DispatchRequest> = {},
    recorder = new CollectingRecorder(),
    signal = new AbortController().signal,
    sink = new CollectingSink(),
  ) => {
    const targets = providers.map((provider) => ({ provider, model: 'm' }));
    return { result: await dispatcher.dispatch(testRequest(targets, over), sink, recorder, signal), sink, recorder };
  };
  return { transport, dispatcher, send };
}

describe('the intent', () => {
  it('is recorded before anything is sent', async () => {
    const order: string[] = [];
    const { send } = open(() => {
      order.push('sent');
      return good;
    });
    const recorder = new CollectingRecorder(async () => {
      await Promise.resolve();
      order.push('recorded');
    });

    await send(['a'], {}, recorder);

    expect(order).toEqual(['recorded', 'sent']);
    expect(recorder.intents[0]).toMatchObject({
      n: 1,
      kind: 'primary',
      provider: 'a',
      model: 'm',
      credentialId: 'a/1',
    });
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
  ])('ends the request without a call when it %s', async (_how, onStarted) => {
    const { send, transport, dispatcher } = open(() => good);

    const { result } = await send(['a', 'b'], {}, new CollectingRecorder(onStarted));

    expect(result).toMatchObject({
      status: 'failed',
      attempts: [],
      error: { code: 'receipt_log_unavailable', httpStatus: 503 },
    });
    expect(transport.calls).toEqual([]);
    expect(dispatcher.inFlight).toBe(0);
  });

  it('is not followed by a call when the client leaves meanwhile', async () => {
    const controller = new AbortController();
    const { send, transport } = open(() => good);
    const recorder = new CollectingRecorder(() => {
      controller.abort();
      return Promise.resolve();
    });

    const { result } = await send(['a'], {}, recorder, controller.signal);

    expect(result).toMatchObject({ status: 'aborted', attempts: [{ status: 'aborted', billed: 'no' }] });
    expect(transport.calls).toEqual([]);
    expect(recorder.outcomes.length).toBe(1);
  });

  it('is not even asked for when the client left before', async () => {
    const { send, transport } = open(() => good);

    const { result, recorder } = await send(['a'], {}, new CollectingRecorder(), AbortSignal.abort());

    expect(result).toMatchObject({ status: 'aborted', attempts: [] });
    expect([recorder.intents, transport.calls]).toEqual([[], []]);
  });
});

describe('credentials', () => {
  it('take turns', async () => {
    const { send, transport } = open(() => good, ['k1', 'k2', 'k3']);

    for (let i = 0; i < 6; i += 1) await send(['a']);

    expect(transport.calls.map((call) => call.credentialId)).toEqual(['a/1', 'a/2', 'a/3', 'a/1', 'a/2', 'a/3']);
  });

  it('are left out after a 401, and the request goes on with another', async () => {
    const { send, transport } = open((call) => (call.credentialId === 'a/1' ? refusal(401) : good), ['k1', 'k2']);

    const { result } = await send(['a', 'b']);
    for (let i = 0; i < 4; i += 1) await send(['a']);

    expect(result.attempts.map(({ credentialId, movedOn, kind }) => [credentialId, movedOn, kind])).toEqual([
      ['a/1', 'other_credential', 'primary'],
      ['a/2', null, 'retry'],
    ]);
    expect(transport.calls.filter((call) => call.credentialId === 'a/1').length).toBe(1);
  });

  it('are not needed by a provider without keys', async () => {
    const { send, transport } = open(() => good);

    await send(['free']);

    expect(transport.calls[0]?.credentialId).toBe('free/none');
  });

  it('of a quota that is used up rest, while a probe at a time still finds out', async () => {
    const { send } = open(() => refusal(429, {}, 'insufficient_quota'));
    await send(['a']);

    const ends = await Promise.all([send(['a']), send(['a']), send(['a'])]);

    expect(ends.map(({ result }) => result.attempts.length)).toEqual([1, 0, 0]);
    expect(ends[1]?.result.error).toMatchObject({ httpStatus: 503, code: 'upstream_unavailable' });
  });
});

describe('rate limits', () => {
  it('send the next request elsewhere until the wait is over', async () => {
    const { send, transport } = open((call) => (call.provider === 'a' ? refusal(429, { 'retry-after': '3' }) : good));

    await send(['a', 'b']);
    const { result } = await send(['a', 'b']);

    expect(transport.calls.map(({ provider }) => provider)).toEqual(['a', 'b', 'b']);
    expect(result.served).toMatchObject({ provider: 'b', kind: 'fallback', n: 1 });
  });

  it('tell the smallest wait of all targets', async () => {
    const { send } = open((call) => refusal(429, { 'retry-after': call.provider === 'a' ? '7' : '30' }));

    const { result } = await send(['a', 'b']);

    expect(result.error).toMatchObject({ httpStatus: 429, retryAfterMs: 7_000 });
  });

  it('are told at once while they last, without a single call', async () => {
    const { send, transport } = open(() => refusal(429, { 'retry-after': '7' }));
    await send(['a']);

    const ends = [await send(['a']), ...(await Promise.all([send(['a']), send(['a'])]))];

    for (const { result } of ends) {
      expect(result).toMatchObject({ attempts: [], error: { httpStatus: 429, code: 'upstream_rate_limited' } });
      expect(result.error?.retryAfterMs).toBeGreaterThan(6_000);
    }
    expect(transport.calls).toHaveLength(1);
  });

  it('leave the probe to a target that is cut off for another reason', async () => {
    const { send, transport } = open((call) =>
      call.provider === 'a' ? refusal(429, { 'retry-after': '3' }) : refusal(401),
    );
    await send(['a', 'b']);

    const { result } = await send(['a', 'b']);

    expect(transport.calls.map(({ provider }) => provider)).toEqual(['a', 'b', 'b']);
    expect(result.attempts).toMatchObject([{ provider: 'b' }]);
  });

  it('without a named wait are found out about by one probe at a time', async () => {
    const { send, transport } = open(() => [{ do: 'wait', ms: 40 }, ...refusal(429)]);
    await send(['a']);

    const ends = await Promise.all([send(['a']), send(['a'])]);

    expect(ends.map(({ result }) => result.attempts.length)).toEqual([1, 0]);
    expect(transport.calls).toHaveLength(2);
  });
});

const failing: Script = (call) => {
  if (call.provider === 'free') return good;
  return call.provider === 'b' ? refusal(429, { 'retry-after': '9' }) : refusal(500);
};

describe('targets that are cut off', () => {
  it('are told with their reasons before the intent, whether they come before or after the one that is called', async () => {
    const { send } = open(failing);
    for (let i = 0; i < 5; i += 1) await send(['a']);
    await send(['b']);

    const before = await send(['a', 'b', 'free']);
    const after = await send(['free', 'a', 'b']);

    expect(before.recorder.obstacles).toEqual([{ told: ['breaker_open', 'rate_limited', null], after: 0 }]);
    expect(after.recorder.obstacles).toEqual([{ told: [null, 'breaker_open', 'rate_limited'], after: 0 }]);
  });

  it('are all told when none can be called, and not at all when all can', async () => {
    const { send } = open((call) => (call.provider === 'a' ? [{ do: 'wait', ms: 40 }, ...refusal(401)] : good));
    const unhurt = await send(['free', 'b']);
    await send(['a']);

    const [probe, refused] = await Promise.all([send(['a']), send(['a'])]);

    expect([unhurt.recorder.obstacles, probe.recorder.obstacles]).toEqual([[], []]);
    expect(refused.recorder.obstacles).toEqual([{ told: ['credential_rests'], after: 0 }]);
  });

  it('are not so while one of their credentials is well', async () => {
    const { send } = open((call) => (call.credentialId === 'a/1' ? refusal(401) : good), ['k1', 'k2']);
    await send(['a']);

    const { recorder } = await send(['free', 'a']);

    expect(recorder.obstacles).toEqual([]);
  });

  it('are so for every model of a credential that rests, the never called ones too', async () => {
    const { send } = open((call) => (call.provider === 'a' ? refusal(401) : good));
    await send(['a']);
    const targets = [
      { provider: 'free', model: 'm' },
      { provider: 'a', model: 'never-called' },
    ];

    const { recorder } = await send([], { plan: { ...testRequest([]).plan, targets } });

    expect(recorder.obstacles).toEqual([{ told: [null, 'credential_rests'], after: 0 }]);
  });
});

describe('the engine', () => {
  it('starts no attempt after a quarter of the total time', async () => {
    const { send, transport } = open(() => [{ do: 'wait', ms: 80 }, ...refusal(500)]);

    const { result } = await send(['a', 'b'], { limits: { ...TEST_LIMITS, totalTimeoutMs: 300 } });

    expect(result.attempts).toMatchObject([{ movedOn: 'deadline' }]);
    expect(transport.calls.length).toBe(1);
  });

  it('ends with the total time, whatever the other limits are', async () => {
    const { send } = open(() => [{ do: 'hang' }]);

    const { result } = await send(['a', 'b'], { limits: { ...TEST_LIMITS, totalTimeoutMs: 60 } });

    expect(result).toMatchObject({ status: 'failed', error: { httpStatus: 504 }, attempts: [{ status: 'timeout' }] });
  });

  it('limits retries of a provider to its budget', async () => {
    const { send } = open((call) => (call.provider === 'a' ? refusal(500) : good));
    const models = Array.from({ length: 60 }, (_, i) => `m${i}`);

    const ends = await Promise.all(
      models.map((model) =>
        send([], {
          plan: {
            ...testRequest([]).plan,
            targets: [
              { provider: 'a', model },
              { provider: 'b', model },
            ],
          },
        }),
      ),
    );

    const moved = ends.map(({ result }) => result.attempts[0]?.movedOn);
    expect(moved.filter((reason) => reason === 'next_target').length).toBe(30);
    expect(moved.filter((reason) => reason === 'retry_budget').length).toBe(30);
  });

  it('serves all that were under way when a provider died, beyond the budget', async () => {
    const { send, transport } = open((call) => (call.provider === 'a' ? refusal(500) : good));

    const ends = await Promise.all(Array.from({ length: 100 }, () => send(['a', 'b'])));
    const later = await Promise.all(Array.from({ length: 100 }, () => send(['a', 'b'])));

    expect([...ends, ...later].filter(({ result }) => result.status !== 'ok')).toEqual([]);
    expect(transport.calls.filter((call) => call.provider === 'a').length).toBe(100);
  });

  it('says which model is slow', async () => {
    const { send, dispatcher } = open(() => [{ do: 'wait', ms: 20 }, ...good]);
    await send(['a']);

    expect(dispatcher.latencyMsP50('a', 'm')).toBeGreaterThan(10);
    expect(dispatcher.latencyMsP50('b', 'm')).toBeNull();
  });

  it('tells an unknown provider as unavailable and calls nothing', async () => {
    const { send } = open(() => good);

    const { result, recorder } = await send(['nobody']);

    expect(result).toMatchObject({ status: 'failed', error: { httpStatus: 503 } });
    expect(recorder.intents).toEqual([]);
  });

  it('ends with an error of its own when something of ours throws', async () => {
    const transport = new ScriptedTransport(() => refusal(400, {}, 'context_length_exceeded'));
    const registry = testRegistry([testProvider('a', 'http://a.invalid/v1')]);
    const dispatcher = createDispatcher({ registry, transport, clock: realClock, contextWindow: throwing });
    const request = testRequest([{ provider: 'a', model: 'm' }]);

    const result = await dispatcher.dispatch(
      request,
      new CollectingSink(),
      new CollectingRecorder(),
      AbortSignal.any([]),
    );

    expect(result).toMatchObject({ status: 'failed', error: { httpStatus: 500, code: 'internal' } });
    expect(result.error?.publicMessage).not.toContain('a bug');
    expect(dispatcher.inFlight).toBe(0);
  });

  it('survives a sink that throws', async () => {
    const { send, transport } = open(() => stream(sse(streamEvents())));
    const sink = new CollectingSink();
    sink.onEvent = () => {
      throw new Error('a bug');
    };

    const { result } = await send(['a', 'b'], { streamed: true }, undefined, undefined, sink);

    expect(result).toMatchObject({ status: 'truncated', attempts: [{ errorCode: 'internal' }] });
    expect(transport.calls.length).toBe(1);
  });

  it('holds back the role frame and gives it before the first content', async () => {
    const { send } = open(() => stream(sse(streamEvents())));

    const { sink } = await send(['a'], { streamed: true });

    expect(sink.events[0]).toBe(chunkJson({ role: 'assistant', content: '' }));
    expect(sink.usageEvents.length).toBe(1);
  });

  it('aborts an upstream whose client reads nothing', async () => {
    const { send, transport } = open(() => [
      { do: 'headers', status: 200, headers: { 'content-type': 'text/event-stream' } },
      { do: 'data', bytes: sse(streamEvents().slice(0, 3)) },
      { do: 'data', bytes: sse(streamEvents().slice(3)) },
      { do: 'hang' },
    ]);
    const sink = new CollectingSink();
    sink.full = 1;

    const { result } = await send(['a'], { streamed: true }, undefined, undefined, sink);

    expect(result).toMatchObject({ status: 'aborted', attempts: [{ movedOn: 'client_closed' }] });
    expect(transport.calls[0]).toMatchObject({ aborted: true, pauses: 1 });
  });
});

describe('a refusal by content policy', () => {
  const policyRefusal = refusal(400, {}, 'content_policy_violation');

  it('goes only to a target that is meant for it', async () => {
    const { send, transport } = open((call) => (call.provider === 'a' ? policyRefusal : good));

    const without = await send(['a', 'free']);
    const { result } = await send(['a', 'free'], { policyTargets: [{ provider: 'b', model: 'm' }] });

    expect(without.result).toMatchObject({ status: 'failed', error: { code: 'content_policy_violation' } });
    expect(result.attempts).toMatchObject([
      { movedOn: 'policy_target' },
      { provider: 'b', kind: 'fallback', status: 'ok' },
    ]);
    expect(transport.calls.map(({ provider }) => provider)).toEqual(['a', 'a', 'b']);
  });

  it('is the only way to such a target', async () => {
    const { send, transport } = open(() => refusal(500));

    await send(['a'], { policyTargets: [{ provider: 'b', model: 'm' }] });

    expect(transport.calls.map(({ provider }) => provider)).toEqual(['a', 'a']);
  });
});

describe('the retry budget of a virtual key', () => {
  it('holds over all providers, and one key leaves the others theirs', async () => {
    const { send } = open((call) => (call.provider === 'a' ? refusal(400 + 9) : good));
    const moved = async (budgetKey: string, times: number): Promise<number> => {
      let count = 0;
      for (let i = 0; i < times; i += 1) {
        const { result } = await send(['a', 'b'], { budgetKey });
        if (result.status === 'ok') count += 1;
      }
      return count;
    };

    // The provider's own floor of 30 within ten seconds comes first; half of it is left to the second key.
    expect(await moved('k1', 15)).toBe(15);
    expect(await moved('k2', 20)).toBe(15);
  });
});

describe('a hedge', () => {
  const hedge = { afterPercentile: 95, shareMax: 0.5 };
  const warmed = async (script: Script) => {
    let warm = true;
    const opened = open((call, n) => (warm ? good : script(call, n)));
    for (let i = 0; i < 20; i += 1) await opened.send(['a', 'b'], { hedge });
    warm = false;
    opened.transport.calls.length = 0;
    return opened;
  };

  it('answers when the first call is slow; the loser is aborted and on the record', async () => {
    const { send, transport } = await warmed((call) => (call.provider === 'a' ? [{ do: 'hang' }] : good));

    const { result, sink } = await send(['a', 'b'], { hedge });

    expect(result).toMatchObject({ status: 'ok', served: { provider: 'b', kind: 'hedge' } });
    expect(result.attempts).toMatchObject([
      { n: 1, kind: 'primary', status: 'aborted', movedOn: 'hedge_lost', errorCode: null },
      { n: 2, kind: 'hedge', status: 'ok', movedOn: null },
    ]);
    expect(transport.calls).toMatchObject([{ provider: 'a', aborted: true }, { provider: 'b' }]);
    expect(sink.body).not.toBeNull();
  });

  it('loses to a first call that is only a little slow', async () => {
    const { send, transport } = await warmed((call) =>
      call.provider === 'a' ? slowly(40, good) : slowly(2_000, good),
    );

    const { result } = await send(['a', 'b'], { hedge });

    expect(result).toMatchObject({ status: 'ok', served: { provider: 'a', n: 1 } });
    expect(result.attempts[1]).toMatchObject({ kind: 'hedge', status: 'aborted', movedOn: 'hedge_lost' });
    expect(transport.calls[1]?.aborted).toBe(true);
  });

  it('goes on alone when the first call fails', async () => {
    const { send } = await warmed((call) => (call.provider === 'a' ? slowly(40, refusal(500)) : slowly(80, good)));

    const { result } = await send(['a', 'b'], { hedge });

    expect(result.attempts).toMatchObject([
      { provider: 'a', movedOn: 'hedge' },
      { provider: 'b', kind: 'hedge', status: 'ok' },
    ]);
  });

  it('is not made without a rule, for a known speed, or beyond its share', async () => {
    const { send, transport } = await warmed((call) => (call.provider === 'a' ? slowly(60, good) : good));

    const without = await send(['a', 'b']);
    for (let i = 0; i < 4; i += 1) await send(['a', 'b'], { hedge: { ...hedge, shareMax: 0 } });
    const saved = transport.calls.filter(({ provider }) => provider === 'b').length;

    expect(without.result.attempts.length).toBe(1);
    // Half a call was saved for each of the twenty before, ten at most.
    expect(saved).toBeLessThanOrEqual(10);
  });

  it('ends with its client: both calls are aborted', async () => {
    const controller = new AbortController();
    const { send, transport } = await warmed(() => [{ do: 'hang' }]);
    setTimeout(() => controller.abort(), 80);

    const { result } = await send(['a', 'b'], { hedge }, new CollectingRecorder(), controller.signal);

    expect(result).toMatchObject({ status: 'aborted', served: null });
    expect(result.attempts.map(({ status }) => status)).toEqual(['aborted', 'aborted']);
    expect(transport.calls.every(({ aborted }) => aborted)).toBe(true);
  });
});

describe('a provider that bills in any case', () => {
  it('is read on after its client left, and the usage is its own', async () => {
    const rest: readonly ScriptStep[] = [{ do: 'data', bytes: sse(streamEvents().slice(2)) }, { do: 'end' }];
    const { transport, controller, sink, ended } = openBilling(() => inTwo(rest), 1_000);
    setTimeout(() => controller.abort(), 30);

    const result = await ended;

    expect(result).toMatchObject({ status: 'aborted', error: { code: 'client_closed' } });
    expect(result.attempts[0]).toMatchObject({
      status: 'aborted',
      billed: 'yes',
      usageSource: 'provider',
      usageFlags: [],
    });
    expect(transport.calls[0]?.aborted).toBe(false);
    expect(sink.events.length).toBeLessThan(streamEvents().length);
  });

  it('is given up after the time for it, or when the process ends', async () => {
    const first = openBilling(() => inTwo([{ do: 'hang' }]), 50);
    setTimeout(() => first.controller.abort(), 30);
    const second = openBilling(() => inTwo([{ do: 'hang' }]), 60_000);
    setTimeout(() => second.controller.abort(), 30);
    setTimeout(() => second.dispatcher.endDrains(), 80);

    const ends = await Promise.all([first.ended, second.ended]);

    expect(ends.map(({ status }) => status)).toEqual(['aborted', 'aborted']);
    expect([first, second].map(({ transport }) => transport.calls[0]?.aborted)).toEqual([true, true]);
  });

  it('is not read on when that is switched off', async () => {
    const { transport, controller, ended } = openBilling(() => inTwo([{ do: 'hang' }]), 0);
    setTimeout(() => controller.abort(), 30);

    await ended;

    expect(transport.calls[0]?.aborted).toBe(true);
  });
});
