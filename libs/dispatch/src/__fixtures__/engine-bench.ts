import { createDispatcher, createUndiciTransport } from '../dispatch.module.js';
import type { DispatchRequest } from '../ports/dispatcher.js';
import { CollectingRecorder, CollectingSink, testRequest } from './dispatch-probe.js';
import { startFaultUpstream } from './fault-upstream.js';
import { realClock } from './real-clock.js';
import { testProvider, testRegistry } from './test-providers.js';

/** A dispatcher over sockets with provider `a` at the fault upstream, `b` at a second one, and `dead` nowhere. */
export async function openEngine() {
  const [a, b] = [await startFaultUpstream(), await startFaultUpstream()];
  const transport = createUndiciTransport();
  const providers = [testProvider('a', a.baseUrl), testProvider('b', b.baseUrl), testProvider('dead', 'http://127.0.0.1:1/v1')];
  const dispatcher = createDispatcher({
    registry: testRegistry(providers),
    transport,
    clock: realClock,
    random: () => 0,
    contextWindow: (_plan, { model }) => (model === 'f:ctx' ? 8_192 : model === 'f:ok' ? 128_000 : null),
  });
  const send = async (targets: readonly string[], over: Partial<DispatchRequest> = {}, controller = new AbortController()) => {
    const plan = targets.map((target) => {
      const at = target.indexOf('/');
      return { provider: target.slice(0, at), model: target.slice(at + 1) };
    });
    const sink = new CollectingSink();
    const recorder = new CollectingRecorder();
    const result = await dispatcher.dispatch(testRequest(plan, over), sink, recorder, controller.signal);
    return { result, sink, recorder };
  };
  return {
    a,
    b,
    dispatcher,
    send,
    close: async () => {
      await transport.close();
      await a.close();
      await b.close();
    },
  };
}
