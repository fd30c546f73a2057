import { anthropicAdapter } from '../adapters/anthropic/anthropic-adapter.js';
import { arkAdapter } from '../adapters/ark/ark-adapter.js';
import { demoAdapter } from '../adapters/demo/demo-adapter.js';
import { openAiAdapter } from '../adapters/openai/openai-adapter.js';
import { openAiCompatibleAdapter } from '../adapters/openai-compatible/openai-compatible-adapter.js';
import { openRouterAdapter } from '../adapters/openrouter/openrouter-adapter.js';
import { describe, expect, it } from 'vitest';
import { describeProviderAdapter } from './provider-adapter.contract.js';

for (const adapter of [
  openAiAdapter,
  openAiCompatibleAdapter,
  openRouterAdapter,
  arkAdapter,
  anthropicAdapter,
  demoAdapter,
]) {
  describeProviderAdapter(adapter);
}

describe('what differs between kinds', () => {
  const routed = { model: 'a', messages: [], provider: { order: ['x'] }, models: ['b'], route: 'fallback' };
  const call = { api: 'chat.completions', body: routed, model: 'm' } as const;

  it('passes its own routing fields to OpenRouter and asks it for the cost', () => {
    const { body } = openRouterAdapter.toUpstream(call);

    expect(JSON.parse(body)).toEqual({ ...routed, model: 'm', usage: { include: true } });
  });

  it('keeps a wish of the client about usage at OpenRouter', () => {
    const { body } = openRouterAdapter.toUpstream({ ...call, body: { ...routed, usage: { include: false } } });

    expect(JSON.parse(body)).toMatchObject({ usage: { include: false } });
  });

  it.each([openAiAdapter, openAiCompatibleAdapter, arkAdapter, anthropicAdapter, demoAdapter])(
    'sends none of them to $kind',
    (adapter) => {
      expect(JSON.parse(adapter.toUpstream(call).body)).toEqual({ model: 'm', messages: [] });
    },
  );

  it('reads the cost that OpenRouter tells exactly', () => {
    expect(openRouterAdapter.readUsage({ prompt_tokens: 1, completion_tokens: 1, cost: 0.0032235 })).toMatchObject({
      providerCostPicoUsd: '3223500000',
    });
  });

  it('knows calls by the id that each provider can look up', () => {
    expect(openRouterAdapter.requestId({ 'x-request-id': 'r' }, 'gen-1')).toBe('gen-1');
    expect(openAiAdapter.requestId({ 'x-request-id': 'req_1' }, 'chatcmpl-1')).toBe('req_1');
    expect(anthropicAdapter.requestId({ 'request-id': 'req_011' }, 'msg_1')).toBe('req_011');
  });
});
