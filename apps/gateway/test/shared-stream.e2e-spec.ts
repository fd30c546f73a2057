import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, KEY, startProduct, type Product } from '../../standalone/test/start-product.js';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

type Stream = AsyncIterable<OpenAI.ChatCompletionChunk> & { readonly controller: AbortController };

const bodyOf = (text: string, model: string) => ({
  model,
  stream: true as const,
  stream_options: { include_usage: true },
  messages: [{ role: 'user' as const, content: text }],
});
const open = (text: string, model = 'a/pour', key = KEY): Promise<Stream> =>
  product.client(key).chat.completions.create(bodyOf(text, model)) as Promise<Stream>;

interface Read {
  readonly text: string;
  readonly receiptId: string;
  readonly cost: unknown;
}

async function read(stream: Stream, onFirst?: () => void): Promise<Read> {
  let text = '';
  let receiptId = '';
  let cost: unknown = 'none';
  for await (const chunk of stream) {
    if (text === '') onFirst?.();
    receiptId ||= (chunk as { nextmodel?: { receipt_id: string } }).nextmodel?.receipt_id ?? '';
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.usage) cost = (chunk.usage as { cost?: unknown }).cost;
  }
  return { text, receiptId, cost };
}

/** A client that takes the head and then reads nothing until told. */
async function openUnread(text: string): Promise<{ readAll(): Promise<string> }> {
  const sent = request(`${product.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
  });
  sent.end(JSON.stringify(bodyOf(text, 'a/pour')));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.pause();
  return {
    readAll: async () => {
      let all = '';
      for await (const part of response) all += String(part);
      return all;
    },
  };
}

const pouredText = Array.from({ length: 30 }, (_, n) => `drop ${n} `).join('');
const receiptOf = (id: string): Promise<Record<string, unknown>> =>
  eventually(async () => {
    const answer = await product.request('GET', `/v1/receipts/${id}`);
    return answer.status === 200 && answer.body;
  });
const calls = (text: string) => product.alpha.calls.filter((call) => call.text === text);

describe('equal streams at once', () => {
  it('are one call upstream: ten clients get ten equal texts, a slow one and one that leaves included', async () => {
    const text = 'ten of one';
    const first = await open(text);
    const others = await Promise.all(Array.from({ length: 9 }, () => open(text)));
    const slow = await openUnread(text);
    const leaving = others.pop() as Stream;

    const left = read(leaving, () => leaving.controller.abort()).catch(() => null);
    const answers = await Promise.all([first, ...others].map((stream) => read(stream)));
    await left;
    const slowly = await slow.readAll();

    expect(answers.map((answer) => answer.text)).toEqual(Array.from({ length: 9 }, () => pouredText));
    expect(slowly).toContain('drop 29 ');
    expect(slowly.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(calls(text).length).toBe(1);
    expect(new Set(answers.map((answer) => answer.receiptId)).size).toBe(9);
    const receipts = await Promise.all(answers.map((answer) => receiptOf(answer.receiptId)));
    const sharing = receipts.filter((each) => (each['attempts'] as unknown[]).length === 0);
    const paying = receipts.find((each) => (each['attempts'] as unknown[]).length === 1);
    expect(sharing.length).toBe(8);
    for (const receipt of sharing) {
      expect(receipt).toMatchObject({
        status: 'ok',
        cost_usd: '0',
        stream_complete: true,
        cache: {
          result: 'exact',
          reason: 'exact:single_flight_stream',
          source_receipt_id: String(paying?.['receipt_id']),
        },
      });
    }
  });

  it('live on when the one that pays leaves, and end upstream when the last one does', async () => {
    const text = 'the first leaves';
    const leader = await open(text);
    const follower = await open(text);

    const left = read(leader, () => leader.controller.abort()).catch(() => null);
    const { text: got } = await read(follower);
    await left;

    expect(got).toBe(pouredText);
    expect(calls(text).length).toBe(1);

    const other = 'all leave';
    const [one, two] = [await open(other, 'a/drip'), await open(other, 'a/drip')];
    one.controller.abort();
    two.controller.abort();
    await eventually(() => calls(other)[0]?.closedEarly === true);
  });

  it('all end with the error when the stream breaks', async () => {
    const text =
      'a cut that is long enough to be followed by somebody else, in pieces of eight characters each '.repeat(8);
    const streams = await Promise.all(Array.from({ length: 3 }, () => open(text, 'a/cut')));

    const ends = await Promise.allSettled(streams.map((stream) => read(stream)));

    expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(calls(text).length).toBe(1);
  });

  it('are not shared between tenants', async () => {
    const text = 'two tenants';
    const { key } = await product.newKey({ name: 'other', tenant: 'other' });
    const mine = await open(text);

    const theirs = await open(text, 'a/pour', key);
    const answers = await Promise.all([read(mine), read(theirs)]);

    expect(answers.map((answer) => answer.text)).toEqual([pouredText, pouredText]);
    expect(calls(text).length).toBe(2);
  });

  it('serve a client that wants the whole answer too', async () => {
    const text = 'one wants it whole';
    const stream = await open(text);

    const [streamed, whole] = await Promise.all([read(stream), product.chat('a/pour', text)]);

    expect([streamed.text, whole.content, whole.x('cache')]).toEqual([pouredText, pouredText, 'HIT']);
    expect(calls(text).length).toBe(1);
  });
});
