import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CollectingRecorder, CollectingSink, testRequest } from './__fixtures__/dispatch-probe.js';
import { startFaultUpstream, type FaultUpstream } from './__fixtures__/fault-upstream.js';
import { realClock } from './__fixtures__/real-clock.js';
import { testProvider, testRegistry } from './__fixtures__/test-providers.js';
import { ANSWER_TEXT } from './__fixtures__/wire-samples.js';
import { createDispatcher, createUndiciTransport } from './dispatch.module.js';

describe('smoke', () => {
  let up: FaultUpstream;
  const transport = createUndiciTransport();
  beforeAll(async () => {
    up = await startFaultUpstream();
  });
  afterAll(async () => {
    await transport.close();
    await up.close();
  });
  it('json and stream and failover', async () => {
    const d = createDispatcher({
      registry: testRegistry([testProvider('a', up.baseUrl), testProvider('dead', 'http://127.0.0.1:9/v1')]),
      transport,
      clock: realClock,
    });
    const s = new CollectingSink();
    const r = await d.dispatch(
      testRequest([{ provider: 'a', model: 'f:ok' }]),
      s,
      new CollectingRecorder(),
      new AbortController().signal,
    );
    expect(r.status).toBe('ok');
    expect(s.body).toContain('chatcmpl');
    const s2 = new CollectingSink();
    const r2 = await d.dispatch(
      testRequest(
        [
          { provider: 'dead', model: 'x' },
          { provider: 'a', model: 'f:503' },
          { provider: 'a', model: 'f:ok' },
        ],
        { streamed: true },
      ),
      s2,
      new CollectingRecorder(),
      new AbortController().signal,
    );
    expect(r2.attempts.map((a) => a.movedOn)).toEqual(['next_target', 'next_target', null]);
    expect(r2.status).toBe('ok');
    expect(s2.text).toBe(ANSWER_TEXT);
    expect(r2.served?.meters).toMatchObject({ input_cache_read: 3 });
  });
});
