import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, openAiError } from '../../../../tools/reliability/http-call.js';

let upstream: FaultUpstream;
let gateway: GatewayProcess;

const target = (model: string, contextTokens?: number): string =>
  `{ provider: second, model: "${model}"${contextTokens === undefined ? '' : `, context_tokens: ${contextTokens}`} }`;
/** The first target refuses what is too long for it; the others would serve it. */
const windows = (first: number, ...others: readonly number[]): string =>
  `{ targets: [ ${[target('f:ctx', first), ...others.map((tokens, at) => target(`f:ok:${at}`, tokens))].join(', ')} ] }`;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({
      upstream: upstream.baseUrl,
      models: [
        `  guarded: { targets: [ ${target('f:policy')}, ${target('f:ok:next')} ], policy_fallback: [ ${target('f:ok:lenient')} ] }`,
        `  bare: { targets: [ ${target('f:policy')}, ${target('f:ok:next')} ] }`,
        `  broken: { targets: [ ${target('f:500')} ], policy_fallback: [ ${target('f:ok:lenient')} ] }`,
        `  larger: ${windows(8_000, 16_000)}`,
        `  larger-behind-smaller: ${windows(8_000, 4_000, 8_000, 16_000)}`,
        `  equal: ${windows(8_000, 8_000)}`,
        `  smaller: ${windows(8_000, 4_000)}`,
        // The same two targets as `larger`, seen the other way round.
        `  larger-elsewhere: ${windows(32_000, 16_000)}`,
        `  silent: { targets: [ ${target('f:ctx')}, ${target('f:ok:0')} ] }`,
        `  only: { targets: [ ${target('f:ctx', 8_000)} ] }`,
        `  "wide/*": { targets: [ { provider: second, model: "f:ok:*", context_tokens: 64000 } ] }`,
      ].join('\n'),
    }),
  });
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const OK = [200, null] as const;
const POLICY = [400, 'content_policy_violation'] as const;
const CONTEXT = [400, 'context_length_exceeded'] as const;

describe.each([false, true])('a refusal that says something about the request (stream: %s)', (stream) => {
  it.each([
    ['content policy, with a fallback for it: answered there', 'guarded', OK, ['f:policy', 'f:ok:lenient']],
    ['content policy, without one: told at once', 'bare', POLICY, ['f:policy']],
    [
      'any other failure: not sent to the fallback of content policy',
      'broken',
      [502, 'upstream_error'],
      ['f:500', 'f:500'],
    ],
    ['context, next target is larger: answered there', 'larger', OK, ['f:ctx', 'f:ok:0']],
    ['context, smaller ones first: these are left out', 'larger-behind-smaller', OK, ['f:ctx', 'f:ok:2']],
    ['context, next target is equal: told at once', 'equal', CONTEXT, ['f:ctx']],
    ['context, next target is smaller: told at once', 'smaller', CONTEXT, ['f:ctx']],
    ['context, larger for another alias only: told at once', 'larger-elsewhere', CONTEXT, ['f:ctx']],
    ['context, sizes on which the aliases disagree: told at once', 'silent', CONTEXT, ['f:ctx']],
    ['context, no other target: told at once', 'only', CONTEXT, ['f:ctx']],
  ] as const)('%s', async (_name, model, [status, code], models) => {
    const result = await callGateway(gateway.baseUrl, model, { stream });

    expect(upstream.seen(result.id).map((call) => call.model)).toEqual(models);
    expect([result.status, openAiError(result.body)?.code ?? null]).toEqual([status, code]);
  });

  it('context, a fallback that the client named is larger by its own alias: answered there', async () => {
    const result = await callGateway(gateway.baseUrl, 'only', { stream, extra: { models: ['equal', 'wide/named'] } });

    expect(upstream.seen(result.id).map((call) => call.model)).toEqual(['f:ctx', 'f:ok:named']);
    expect(result.status).toBe(200);
  });
});
