import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDemoServer, type DemoUpstream } from './demo-server.js';

let demo: DemoUpstream;
let client: OpenAI;
beforeAll(async () => {
  demo = await openDemoServer();
  client = new OpenAI({ baseURL: demo.baseUrl, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => demo.close());

const ask = (content: string) => [{ role: 'user' as const, content }];
const QUESTION = 'Why is the sky blue?';
const demoSmall = (more: object) =>
  client.chat.completions.create({ model: 'demo-small', messages: ask('say something please'), ...more });
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, at) => sum + x * (b[at] ?? 0), 0);
const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

describe('the demo provider, through the openai SDK', () => {
  it('answers the same question alike and another one differently', async () => {
    const [first, again, other] = await Promise.all([
      demoSmall({ messages: ask(QUESTION) }),
      demoSmall({ messages: ask(QUESTION) }),
      demoSmall({ messages: ask('Hi') }),
    ]);

    expect(first.choices[0]?.message.content).toContain('Why is the sky blue?');
    expect(again.choices[0]?.message.content).toBe(first.choices[0]?.message.content);
    expect(other.choices[0]?.message.content).not.toBe(first.choices[0]?.message.content);
    expect(first.usage?.total_tokens).toBe((first.usage?.prompt_tokens ?? 0) + (first.usage?.completion_tokens ?? 0));
    expect(first.id).not.toBe(again.id);
  });

  it('streams what it answers, with usage when asked, in believable time', async () => {
    const messages = ask('Why is the sky blue?');
    const whole = await client.chat.completions.create({ model: 'demo-small', messages });
    const started = performance.now();
    const stream = await client.chat.completions.create({
      model: 'demo-small',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });

    let text = '';
    let usage: unknown;
    let firstMs = 0;
    for await (const chunk of stream) {
      if (firstMs === 0) firstMs = performance.now() - started;
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }

    expect(text).toBe(whole.choices[0]?.message.content);
    expect(usage).toEqual(whole.usage);
    expect(firstMs).toBeGreaterThan(25);
  });

  it('sends no usage chunk unasked', async () => {
    const stream = await client.chat.completions.create({ model: 'demo-small', messages: ask('a'), stream: true });

    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull();
  });

  it('calls a tool with arguments that fit, then uses its result', async () => {
    const first = await client.chat.completions
      .stream({ model: 'demo-large', messages: ask('weather in Paris'), tools })
      .finalChatCompletion();
    const call = first.choices[0]?.message.tool_calls?.[0];
    if (call?.type !== 'function') throw new Error('no call');

    const second = await client.chat.completions.create({
      model: 'demo-large',
      messages: [
        ...ask('weather in Paris'),
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'sunny, 21 degrees' },
      ],
      tools,
    });

    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(call.function).toMatchObject({ name: 'get_weather', arguments: '{"city":"Paris"}' });
    expect(second.choices[0]?.message.content).toContain('sunny, 21 degrees');
  });

  it('honours response formats, max_tokens, stop and n', async () => {
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' } },
      required: ['ok'],
      additionalProperties: false,
    };
    const strict = await demoSmall({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } });
    const object = await demoSmall({ response_format: { type: 'json_object' } });
    const short = await demoSmall({ max_tokens: 3 });
    const stopped = await demoSmall({ stop: ['demo'] });
    const three = await demoSmall({ n: 3 });

    expect(JSON.parse(strict.choices[0]?.message.content ?? '')).toEqual({ ok: true });
    expect(JSON.parse(object.choices[0]?.message.content ?? '')).toBeTypeOf('object');
    expect(short.choices[0]).toMatchObject({ finish_reason: 'length' });
    expect(short.choices[0]?.message.content?.split(' ')).toHaveLength(3);
    expect(stopped.choices[0]?.message.content).not.toContain('demo');
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('gives unit vectors that are nearer for texts that share words', async () => {
    const { data } = await client.embeddings.create({
      model: 'demo-embed',
      input: ['the cat sat on the mat', 'a cat sat on a mat', 'quarterly revenue forecast'],
      dimensions: 64,
      encoding_format: 'float',
    });
    const [cat, other, money] = data.map(({ embedding }) => embedding);

    expect(cat).toHaveLength(64);
    expect(dot(cat!, cat!)).toBeCloseTo(1, 6);
    expect(dot(cat!, other!)).toBeGreaterThan(dot(cat!, money!) + 0.2);
    const base64 = await client.embeddings.create({
      model: 'demo-embed',
      input: 'the cat sat on the mat',
      dimensions: 64,
    });
    expect(base64.data[0]?.embedding[0]).toBeCloseTo(cat![0]!, 6);
  });

  it('fails when it is meant to, and in the right shape otherwise', async () => {
    const call = (model: string) => client.chat.completions.create({ model, messages: ask('x') });

    await expect(call('demo-failing')).rejects.toMatchObject({ status: 503, code: 'overloaded' });
    await expect(call('nope')).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    await expect(client.chat.completions.create({ model: 'demo-small', messages: [] })).rejects.toBeInstanceOf(
      APIError,
    );
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toContain('demo-large');
  });
});
