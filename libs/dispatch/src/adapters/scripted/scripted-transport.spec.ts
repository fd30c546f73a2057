import { testProvider } from '../../__fixtures__/test-providers.js';
import { describeUpstreamTransport } from '../../ports/upstream-transport.contract.js';
import { ScriptedTransport } from './scripted-transport.js';

describeUpstreamTransport('scripted', (steps) => {
  const transport = new ScriptedTransport(() => steps);
  const provider = testProvider('p', 'http://scripted.invalid/v1');
  return Promise.resolve({
    transport,
    provider,
    credential: provider.credentials[0]!,
    aborted: () => Promise.resolve(transport.calls[0]!.aborted),
    close: () => transport.close(),
  });
});
