import { OpenAI, APIUserAbortError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startProduct, uuidOf, type Product } from '../../standalone/test/start-product.js';
import { COST_OF_LARGE, PROVIDER_SECRETS } from '../../standalone/test/test-configuration.js';

let product: Product;
let client: OpenAI;

beforeAll(async () => {
  product = await startProduct();
  client = product.client();
});
afterAll(() => product?.close());

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const ask = (text: string): [{ role: 'user'; content: string }] => [{ role: 'user', content: text }];

describe('the official OpenAI client', () => {
  it('gets a chat answer with usage and cost, and the provider gets its own key', async () => {
    const answer = await client.chat.completions.create({ model: 'large', messages: ask('a plain question') });

    expect(answer.choices[0]?.message.content).toBe('alpha on: a plain question');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({ prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 });
    expect(Number((answer.usage as unknown as { cost: unknown }).cost)).toBe(Number(COST_OF_LARGE));
    expect(product.alpha.calls.at(-1)).toMatchObject({
      model: 'alpha-large',
      path: '/v1/chat/completions',
      authorization: `Bearer ${PROVIDER_SECRETS[0]}`,
    });
  });

  it('gets a stream that ends in usage and cost when it asks for them', async () => {
    const stream = await client.chat.completions.create({
      model: 'large',
      stream: true,
      stream_options: { include_usage: true },
      messages: ask('a stream of some words'),
    });

    const chunks = await all(stream);

    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      'alpha on: a stream of some words',
    );
    expect((chunks[0] as unknown as { nextmodel: { receipt_id: string } }).nextmodel.receipt_id).toMatch(/^rcpt_/);
    expect(chunks.filter((chunk) => chunk.usage)).toHaveLength(1);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 1000, completion_tokens: 100 });
    const usage = chunks.at(-1)?.usage as unknown as { cost: unknown } | undefined;
    expect(Number(usage?.cost)).toBe(Number(COST_OF_LARGE));
  });

  it('sees no usage chunk when it did not ask, though the provider is asked for it', async () => {
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'large', stream: true, messages: ask('no usage please') })
      .withResponse();

    const chunks = await all(stream);

    expect(chunks.every((chunk) => !chunk.usage && chunk.choices.length > 0)).toBe(true);
    const call = product.alpha.calls.find((each) => each.text === 'no usage please');
    expect(call?.body['stream_options']).toEqual({ include_usage: true });
    const id = uuidOf(response.headers.get('x-nextmodel-receipt-id') ?? '');
    const row = await product.row(`SELECT toString(cost_usd), usage_source FROM receipts WHERE receipt_id = '${id}'`);
    expect(row).toEqual([COST_OF_LARGE, 'provider']);
  });

  it('sees the content, and no usage, of a provider that puts usage beside content', async () => {
    const stream = await client.chat.completions.create({
      model: 'a/usage-beside',
      stream: true,
      messages: ask('usage beside content'),
    });

    const chunks = await all(stream);

    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      'alpha on: usage beside content',
    );
    expect(chunks.filter((chunk) => chunk.usage)).toEqual([]);
  });

  it('gets embeddings and their receipt', async () => {
    const { data, response } = await client.embeddings
      .create({ model: 'large', input: ['one', 'two'], encoding_format: 'float' })
      .withResponse();

    expect(data.data.map((each) => each.embedding)).toEqual([
      [0.1, 0.2, 0.3],
      [0.1, 0.2, 0.3],
    ]);
    const id = uuidOf(response.headers.get('x-nextmodel-receipt-id') ?? '');
    const row = await product.row(`SELECT api, provider, tok_in, tok_out FROM receipts WHERE receipt_id = '${id}'`);
    expect(row).toEqual(['embeddings', 'alpha', '8', '0']);
  });

  it('lists models and finds one by its name, slashes included', async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);

    expect(ids).toEqual(expect.arrayContaining(['large', 'small', 'resilient', 'auto']));
    await expect(client.models.retrieve('large')).resolves.toMatchObject({ id: 'large', object: 'model' });
    await expect(client.models.retrieve('no-such-model')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  it('gets tool calls, whole and streamed', async () => {
    const tools = [
      { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
    ];

    const whole = await client.chat.completions.create({ model: 'a/tools', messages: ask('weather?'), tools });
    const stream = await client.chat.completions.create({
      model: 'a/tools',
      messages: ask('weather, streamed?'),
      tools,
      stream: true,
    });
    const chunks = await all(stream);

    expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
    expect(whole.choices[0]?.message.tool_calls).toMatchObject([
      { id: 'call_1', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
    ]);
    const pieces = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(pieces.map((piece) => piece.function?.arguments ?? '').join('')).toBe('{"city":"Paris"}');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(product.alpha.calls.at(-1)?.body['tools']).toEqual(tools);
  });

  it('passes unknown fields on to the provider as they are', async () => {
    const body = {
      model: 'large',
      messages: ask('unknown fields'),
      reasoning_effort: 'low',
      vendor_option: { deep: [1] },
    };

    await client.chat.completions.create(body as unknown as Parameters<typeof client.chat.completions.create>[0]);

    expect(product.alpha.calls.at(-1)?.body).toMatchObject({ reasoning_effort: 'low', vendor_option: { deep: [1] } });
  });

  it('aborts a stream: the provider sees the close, the receipt says aborted with 499', async () => {
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'a/drip', stream: true, messages: ask('abort me') })
      .withResponse();
    const id = uuidOf(response.headers.get('x-nextmodel-receipt-id') ?? '');

    let seen = 0;
    for await (const chunk of stream) {
      if ((chunk.choices[0]?.delta.content ?? '') !== '' && (seen += 1) === 3) break;
    }

    await eventually(() => product.alpha.calls.find((call) => call.text === 'abort me')?.closedEarly, 3_000);
    const row = await product.row(`SELECT status, http_status, usage_source FROM receipts WHERE receipt_id = '${id}'`);
    expect(row.slice(0, 2)).toEqual(['aborted', '499']);
    expect(row[2]).not.toBe('none');
  });

  it('aborts before the answer begins: the provider sees the close and nothing is tried elsewhere', async () => {
    const stop = new AbortController();
    const pending = client.chat.completions.create(
      { model: 'hang-first', messages: ask('abort while waiting') },
      { signal: stop.signal },
    );

    await eventually(() => product.alpha.seen('abort while waiting') > 0, 3_000);
    stop.abort();

    await expect(pending).rejects.toThrow(APIUserAbortError);
    await eventually(() => product.alpha.calls.find((call) => call.text === 'abort while waiting')?.closedEarly, 3_000);
    const row = await product.row(
      `SELECT status, http_status FROM receipts WHERE requested_model = 'hang-first' ORDER BY receipt_id DESC LIMIT 1`,
    );
    expect(row).toEqual(['aborted', '499']);
    expect(product.beta.seen('abort while waiting')).toBe(0);
  });
});

describe('routing', () => {
  it.each([
    ['a header rule', 'small', { 'x-team': 'legal' }, 'alpha-large'],
    ['a task rule', 'small', { 'x-nextmodel-task': 'code' }, 'alpha-large'],
    ['a model rule', 'old-model-1', {}, 'beta-small'],
    ['a wildcard alias', 'a/whatever-7', {}, 'whatever-7'],
    ['an alias', 'small', {}, 'beta-small'],
    ['a provider and model by name', 'beta/some-model', {}, 'some-model'],
  ])('follows %s', async (name, model, headers, served) => {
    const answer = await product.chat(model, `routing by ${name}`, { headers: headers as Record<string, string> });

    expect(answer.status).toBe(200);
    expect(answer.x('model')).toBe(served);
  });

  it('sends easy prompts of auto to the weak model, hard ones to the strong, and explains both', async () => {
    const easy = await product.chat('auto', 'What is the capital of France?');
    const hard = await product.chat(
      'auto',
      'Prove that there are infinitely many primes, then give a second, independent proof using topology.',
    );

    expect([easy.x('model'), hard.x('model')]).toEqual(['beta-small', 'alpha-large']);
    for (const [answer, chose] of [[easy, 'weak'] as const, [hard, 'strong'] as const]) {
      const why = await product.request('GET', `/v1/receipts/${answer.receiptId}/explain`);
      expect(why.body).toMatchObject({
        served_by: { provider: answer.x('provider'), model: answer.x('model') },
        route: { reason: `auto:${chose}` },
        candidates: [{ provider: answer.x('provider'), rank: 0 }],
        decision_available: true,
        decision: { classifier: { chose, abstained: false } },
      });
    }
  });

  it('echoes the request id of the client', async () => {
    const answer = await product.chat('small', 'echo', { headers: { 'x-request-id': 'mine-42' } });

    expect(answer.headers.get('x-request-id')).toBe('mine-42');
  });
});
