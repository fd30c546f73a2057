import { setTimeout as sleep } from 'node:timers/promises';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ANSWER_TEXT } from '../../../../libs/dispatch/src/__fixtures__/wire-samples.js';
import {
  CLIENT_NAMES,
  startClients,
  type ClientProcess,
  type Outcome,
} from '../../../../tools/reliability/client-process.js';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { CLIENT_KEY, startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import type { Question } from '../../../../tools/reliability/real-clients.js';

/** What an upstream may do to a stream without any client being told less. */
const WHOLE =
  'ok s_each s_crlf s_cr s_nospace s_comments s_evid s_bytes s_onewrite s_bom s_multidata s_nofinalnl s_nodone ' +
  's_afterdone s_usagelast s_usageeach s_splitutf8 s_mixedends s_blanklines';
/** What must make every client throw: none of these answers was whole. */
const CUT =
  's_errfirst s_errmid s_errmidtext s_errchunk s_errlast s_reset0 s_reset s_reset1 s_resetlast s_fin0 s_fin s_fin1 ' +
  's_finlast s_badjson s_halfevent s_wrongtype s_roleonly s_doneonly s_html s_json200 s_stall s_pingstall s_toobig ' +
  'hang 500 429 400';
/** Red dot of one pixel. */
const IMAGE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

const weather = (id: string, city: string) => ({ id, name: 'weather', arguments: JSON.stringify({ city }) });

/** The plain iterator of the official client ends without a word when its caller leaves. */
const endOf = (outcome: Outcome): unknown => ('error' in outcome ? [outcome.error, outcome.status] : 'no error');

let upstream: FaultUpstream;
let mock: LLMock;
let gateway: GatewayProcess;
let clients: ClientProcess;
const through = () => ({ baseUrl: gateway.baseUrl, key: CLIENT_KEY });
const direct = () => ({ baseUrl: `${mock.url}/v1`, key: 'mock-key' });

beforeAll(async () => {
  [upstream, clients] = await Promise.all([startFaultUpstream(), startClients()]);
  mock = new LLMock({ port: 0, logLevel: 'silent' });
  mock.onMessage(/hello/, { content: 'Hi there — naïve 🌍!' });
  mock.onMessage(/picture/, { content: 'A red dot.' });
  mock.onMessage(/one city/, { toolCalls: [weather('call_a', 'Paris')] });
  mock.onMessage(/two cities/, { toolCalls: [weather('call_a', 'Paris'), weather('call_b', 'São Paulo')] });
  mock.onMessage(/as JSON/, { content: '{"city":"Paris"}' });
  await mock.start();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      phaseTimeoutMs: 400,
      providers: `  everyday: { kind: openai-compatible, base_url: "${mock.url}/v1", api_key: mock-key }`,
      models: '  everyday: { targets: [ { provider: everyday, model: everyday } ] }',
    }),
  });
});
afterAll(async () => {
  clients?.close();
  await gateway?.close();
  await mock?.stop();
  await upstream?.close();
});

describe.each(CLIENT_NAMES)('%s through the gateway', (name) => {
  it.each(WHOLE.split(' '))('is told all of %s, with usage', async (scenario) => {
    const outcome = await clients.ask(name, through(), 'streamed', { model: `f:${scenario}`, text: 'hello' });

    expect(outcome).toMatchObject({ told: { text: ANSWER_TEXT, toolCalls: [], totalTokens: 18 } });
  });

  it.each(CUT.split(' '))('throws for %s', async (scenario) => {
    const outcome = await clients.ask(name, through(), 'streamed', { model: `f:${scenario}`, text: 'hello' });

    expect(outcome).not.toHaveProperty('told');
    expect(outcome).toHaveProperty('error');
  });

  it('ends its call upstream when it aborts a stream', async () => {
    const id = `abort${CLIENT_NAMES.indexOf(name)}`;
    const question = { model: 'f:s_slow:300', text: `T${id}`, leaveAfterMs: 250 };

    const outcome = await clients.ask(name, through(), 'streamed', question);
    await sleep(300);

    expect(outcome).toHaveProperty('error');
    expect(upstream.seen(id).map((call) => call.closedMs !== null)).toEqual([true]);
  });

  it.each([
    ['whole', 'slow:6000', 200],
    // Content is there when the caller leaves: before it the gateway has sent no status line yet.
    ['streamed', 's_slow:150', 900],
  ] as const)(
    'leaves an answer (%s) as it would at the provider itself, which sees it go',
    async (how, scenario, leaveAfterMs) => {
      const id = `leave${CLIENT_NAMES.indexOf(name)}${how}`;
      const question = { model: `f:${scenario}`, text: `T${id}`, leaveAfterMs };

      const expected = await clients.ask(name, { baseUrl: upstream.baseUrl, key: 'none' }, how, question);
      const outcome = await clients.ask(name, through(), how, question);

      expect(endOf(outcome)).toEqual(endOf(expected));
      await vi.waitFor(
        () => expect(upstream.seen(id).map((call) => call.closedMs !== null)).toEqual([true, true]),
        5_000,
      );
    },
  );
});

const QUESTIONS: readonly (readonly [what: string, question: Question])[] = [
  ['text', { model: 'everyday', text: 'hello' }],
  ['a picture in the question', { model: 'everyday', text: 'what is on the picture?', imageUrl: IMAGE }],
  ['a tool call', { model: 'everyday', text: 'weather of one city', tools: true }],
  ['parallel tool calls', { model: 'everyday', text: 'weather of two cities', tools: true }],
  ['JSON by a schema', { model: 'everyday', text: 'the city as JSON', schema: true }],
];

describe.each(['openai', 'AI SDK', 'LangChain'] as const)('%s hears the same as from the provider itself', (name) => {
  it.each(
    QUESTIONS.flatMap(([what, question]) => [
      [what, 'whole', question] as const,
      [what, 'streamed', question] as const,
    ]),
  )('for %s, %s', async (_what, how, question) => {
    const expected = await clients.ask(name, direct(), how, question);

    const outcome = await clients.ask(name, through(), how, question);

    expect(expected).toHaveProperty('told');
    expect({ ...outcome, n: 0 }).toEqual({ ...expected, n: 0 });
  });

  it('when the provider refuses', async () => {
    const outcome = await clients.ask(name, through(), 'whole', { model: 'f:422', text: 'hello' });

    expect(outcome).toMatchObject({ status: 422 });
  });
});
