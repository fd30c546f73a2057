import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startProduct, type ChatAnswer, type Product } from '../../standalone/test/start-product.js';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

/** At temperature 0, so that answers by meaning are allowed. */
const ask = (text: string, cache?: string, model = 'small'): Promise<ChatAnswer> =>
  product.chat(model, text, {
    body: { temperature: 0 },
    ...(cache === undefined ? {} : { headers: { 'x-nextmodel-cache': cache } }),
  });
const calls = (text: string): number => product.beta.calls.filter((call) => call.text === text).length;
/** Answers by meaning come from the index, which follows the log. */
const indexed = (text: string, hit: string): Promise<ChatAnswer> =>
  eventually(async () => {
    const answer = await ask(text, 'only-if-cached');
    return answer.x('cache') === hit && answer;
  }, 5_000);

const textOf = (frames: readonly string[]): string =>
  frames
    .slice(0, -1)
    .map(
      (frame) => (JSON.parse(frame) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '',
    )
    .join('');

describe('the cache', () => {
  it('serves the same question once more for nothing', async () => {
    const first = await ask('How do I reset my password?');
    const second = await ask('How do I reset my password?');

    expect([first.x('cache'), second.x('cache')]).toEqual(['MISS', 'HIT']);
    expect(second.content).toBe('beta on: How do I reset my password?');
    expect([second.x('cost-usd'), second.x('provider'), second.x('model')]).toEqual(['0', 'beta', 'beta-small']);
    expect(Number(second.x('cache-age-s'))).toBeGreaterThanOrEqual(0);
    expect(second.receiptId).not.toBe(first.receiptId);
    expect(calls('How do I reset my password?')).toBe(1);
  });

  it('does not mind the capital at the head, the pronoun, spaces and the mark at the end', async () => {
    await ask('How do I close my account?');

    const answer = await ask('  how do i close  my account ');

    expect(answer.x('cache')).toBe('HIT');
    expect(answer.content).toBe('beta on: How do I close my account?');
  });

  it.each([
    ['Translate to German: the cat', 'Translate to German: a cat'],
    ['Rewrite politely: please send it', 'Rewrite politely: send it'],
    ['What is polish made of?', 'What is Polish made of?'],
  ])('minds what may be meant: "%s" is not "%s"', async (first, second) => {
    await ask(first);
    await indexed(first, 'HIT');

    const answer = await ask(second);

    expect([answer.x('cache'), answer.content]).toEqual(['MISS', `beta on: ${second}`]);
  });

  it('serves a plain rewording by its meaning, with the similarity', async () => {
    await ask('How do I reset my password?');

    const answer = await indexed('How can I reset my password?', 'SEMANTIC_HIT');

    expect(answer.content).toBe('beta on: How do I reset my password?');
    expect(Number(answer.x('cache-similarity'))).toBeGreaterThan(0.5);
    expect(Number(answer.x('cache-similarity'))).toBeLessThanOrEqual(1);
    expect(calls('How can I reset my password?')).toBe(0);
  });

  it.each([
    ['What is 38% of 200?', 'What is 38% of 300?'],
    ['How do I turn on dark mode?', 'How do I turn off dark mode?'],
    ['Can cats eat chocolate?', 'Can dogs eat chocolate?'],
    ['What happened before the war?', 'What happened after the war?'],
    ['Is it safe to mix bleach and water?', 'Is it not safe to mix bleach and water?'],
    ['Convert 10 dollars to euros.', 'Convert 10 euros to dollars.'],
    ['Who is older, Anna or Ben?', 'Who is older, Anna or Tom?'],
    ['Translate cat into French.', 'Translate cat into German.'],
    ['Is Monday a holiday in Spain?', 'Is Tuesday a holiday in Spain?'],
  ])('never serves the answer of "%s" for "%s"', async (first, second) => {
    await ask(first);
    await indexed(first, 'HIT');
    // The index follows the log within this time; before it, a miss would prove nothing.
    await sleep(150);

    const answer = await ask(second);

    expect(answer.content).toBe(`beta on: ${second}`);
    expect(answer.x('cache')).toBe('MISS');
  });

  it.each([
    [
      'another system prompt',
      {
        messages: [
          { role: 'system', content: 'In French.' },
          { role: 'user', content: 'What is a fugue?' },
        ],
      },
    ],
    ['another temperature', { temperature: 0.2 }],
    ['another length limit', { max_tokens: 5 }],
    ['another format', { response_format: { type: 'json_object' } }],
    ['another seed', { seed: 7 }],
  ])('does not cross to %s', async (_name, body) => {
    await ask('What is a fugue?');

    const answer = await product.chat('small', 'What is a fugue?', { body: { temperature: 0, ...body } });

    expect(answer.x('cache')).not.toMatch(/HIT/);
  });

  it('does not cross to another model', async () => {
    await ask('What is a canon?');

    const answer = await ask('What is a canon?', undefined, 'large');

    expect([answer.x('cache'), answer.content]).toEqual(['MISS', 'alpha on: What is a canon?']);
  });

  it('does not keep tool calls', async () => {
    const answers = [await ask('weather', undefined, 'a/tools'), await ask('weather', undefined, 'a/tools')];

    expect(answers.map((answer) => answer.x('cache'))).not.toContain('HIT');
    expect(product.alpha.seen('weather')).toBe(2);
  });
});

describe('the header x-nextmodel-cache', () => {
  it('no-store: nothing is kept', async () => {
    await ask('What is a gigue?', 'no-store');

    const answer = await ask('What is a gigue?');

    expect(answer.x('cache')).toBe('MISS');
  });

  it('no-cache: a fresh answer is asked for and kept', async () => {
    await ask('What is a minuet?');

    const fresh = await ask('What is a minuet?', 'no-cache');
    const after = await ask('What is a minuet?');

    expect([fresh.x('cache'), after.x('cache')]).toEqual(['REFRESH', 'HIT']);
    expect(calls('What is a minuet?')).toBe(2);
  });

  it('no-cache, no-store: the cache has no part in it', async () => {
    await ask('What is a waltz?');

    const answer = await ask('What is a waltz?', 'no-cache, no-store');

    expect(answer.x('cache')).toBe('BYPASS');
    expect(calls('What is a waltz?')).toBe(2);
  });

  it('only-if-cached: 504 without a stored answer, and no call', async () => {
    const missing = await ask('What is a polka?', 'only-if-cached');
    await ask('What is a polka?');
    const stored = await ask('What is a polka?', 'only-if-cached');

    expect([missing.status, missing.error.code]).toEqual([504, 'only_if_cached']);
    expect([stored.status, stored.x('cache')]).toEqual([200, 'HIT']);
    expect(calls('What is a polka?')).toBe(1);
  });

  it('no-cache, only-if-cached: 504, and no call, whatever is stored', async () => {
    await ask('What is a mazurka?');

    const answer = await ask('What is a mazurka?', 'no-cache, only-if-cached');

    expect([answer.status, answer.error.code]).toEqual([504, 'only_if_cached']);
    expect(calls('What is a mazurka?')).toBe(1);
  });

  it('max-age: an older answer does not do', async () => {
    await ask('What is a tango?');
    await sleep(1_100);

    const young = await ask('What is a tango?', 'max-age=1');
    const old = await ask('What is a tango?', 'max-age=60');

    expect([young.x('cache'), old.x('cache')]).toEqual(['MISS', 'HIT']);
  });

  it('max-age=0: not even the answer of a moment ago does', async () => {
    await ask('What is a bolero?');
    await sleep(20);

    const answer = await ask('What is a bolero?', 'max-age=0');

    expect(answer.x('cache')).toBe('MISS');
    expect(calls('What is a bolero?')).toBe(2);
  });

  it('semantic=off: the same question hits, a rewording does not', async () => {
    await ask('How do I update my billing address?');
    await indexed('How can I update my billing address?', 'SEMANTIC_HIT');

    const same = await ask('How do I update my billing address?', 'semantic=off');
    const reworded = await ask('How could I update my billing address?', 'semantic=off');

    expect([same.x('cache'), reworded.x('cache')]).toEqual(['HIT', 'MISS']);
  });
});

describe('streams and the cache', () => {
  it('stream an answer that was stored whole, with usage when asked', async () => {
    await ask('What is a sonata?');

    const { answer, frames } = await product.stream('small', 'What is a sonata?', {
      body: { temperature: 0, stream_options: { include_usage: true } },
    });

    expect(answer.x('cache')).toBe('HIT');
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(frames.at(-1)).toBe('[DONE]');
    expect(textOf(frames)).toBe('beta on: What is a sonata?');
    expect(JSON.parse(frames[0] ?? '')).toMatchObject({ nextmodel: { receipt_id: answer.receiptId } });
    expect(JSON.parse(frames.at(-2) ?? '')).toMatchObject({ choices: [], usage: { total_tokens: 1100 } });
    expect(Number((JSON.parse(frames.at(-2) ?? '') as { usage: { cost: string } }).usage.cost)).toBe(0);
  });

  it('serve whole what was streamed', async () => {
    const first = await product.stream('small', 'What is a rondo?', { body: { temperature: 0 } });

    const second = await ask('What is a rondo?');

    expect(first.answer.x('cache')).toBe('MISS');
    expect([second.x('cache'), second.content]).toEqual(['HIT', 'beta on: What is a rondo?']);
    expect(second.body).toMatchObject({ object: 'chat.completion', usage: { total_tokens: 1100 } });
    expect(calls('What is a rondo?')).toBe(1);
  });

  it('give a hit to the official client', async () => {
    await ask('What is a toccata?');

    const stream = await product.client().chat.completions.create({
      model: 'small',
      stream: true,
      temperature: 0,
      messages: [{ role: 'user', content: 'What is a toccata?' }],
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';

    expect(text).toBe('beta on: What is a toccata?');
  });
});

describe('equal requests at one time', () => {
  it('share one call: 30 answers, 30 receipts, one of them paid', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask('single flight', undefined, 'a/slow')));

    expect(answers.every((answer) => answer.status === 200 && answer.content === 'alpha on: single flight')).toBe(true);
    expect(product.alpha.seen('single flight')).toBe(1);
    expect(new Set(answers.map((answer) => answer.receiptId)).size).toBe(30);
    expect(answers.filter((answer) => answer.x('attempts') === '1')).toHaveLength(1);
  });

  it('share one call when half of them are streams', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        product.chat('a/slow', 'mixed flight', { body: { temperature: 0, stream: n % 2 === 0 } }),
      ),
    );

    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(answers.filter((answer) => answer.text.includes('data: [DONE]'))).toHaveLength(5);
    expect(product.alpha.seen('mixed flight')).toBe(1);
  });

  it('are not shared between tenants', async () => {
    const { key } = await product.newKey({ name: 'elsewhere', tenant: 'elsewhere' });
    const asked = { body: { temperature: 0 } };

    await Promise.all([
      product.chat('a/slow', 'tenants in flight', asked),
      product.chat('a/slow', 'tenants in flight', { ...asked, key }),
    ]);

    expect(product.alpha.seen('tenants in flight')).toBe(2);
  });

  it('do not wait for a leader that left: another leads', async () => {
    const stop = new AbortController();
    const leader = product
      .client()
      .chat.completions.create(
        { model: 'a/slow', temperature: 0, messages: [{ role: 'user', content: 'leader leaves' }] },
        { signal: stop.signal },
      )
      .catch(() => 'left');
    await eventually(() => product.alpha.seen('leader leaves') === 1);
    const follower = ask('leader leaves', undefined, 'a/slow');
    await sleep(50);

    stop.abort();

    expect(await leader).toBe('left');
    expect((await follower).content).toBe('alpha on: leader leaves');
  });
});
