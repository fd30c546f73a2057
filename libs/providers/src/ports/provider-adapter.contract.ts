import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { ROUTER_ERROR_CODES } from '#events/domain/router-error.js';
import { CompletionAssembly } from '#openai-wire/domain/assemble-completion.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { readCompletion } from '#openai-wire/domain/read-completion.js';
import { SseParser } from '#openai-wire/domain/sse-parser.js';
import { readStreamData } from '#openai-wire/domain/stream-reading.js';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FailureClass, ProviderAdapter, UpstreamRefusal } from './provider-adapter.js';

interface RecordedRefusal {
  readonly name: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In place of `body`: no JSON. */
  readonly text?: string;
  readonly expect: Partial<FailureClass>;
}

const NOW_MS = Date.UTC(2026, 0, 1);
const CANARY = 'sk-CANARY0123456789abcdef';
/** A key that looks like a name. */
const PLAIN_CANARY = 'AKIACANARYABCDEFGHIJKLMNOPQ';

/** Rows of the table of error classes that hold for every kind. */
const COMMON: readonly (readonly [status: number, expected: Partial<FailureClass>])[] = [
  [
    400,
    {
      code: 'upstream_rejected',
      clientStatus: 400,
      retrySame: false,
      nextTarget: 'no',
      breaker: 'ignore',
      billed: 'no',
    },
  ],
  [
    401,
    {
      code: 'upstream_auth_failed',
      clientStatus: 502,
      retrySame: false,
      nextTarget: 'yes',
      breaker: 'eject_credential',
    },
  ],
  [
    402,
    {
      code: 'upstream_quota_exhausted',
      clientStatus: 429,
      retrySame: false,
      nextTarget: 'yes',
      breaker: 'eject_credential',
    },
  ],
  [
    403,
    {
      code: 'upstream_auth_failed',
      clientStatus: 502,
      retrySame: false,
      nextTarget: 'yes',
      breaker: 'eject_credential',
    },
  ],
  [404, { code: 'upstream_rejected', clientStatus: 404, retrySame: false, nextTarget: 'no', breaker: 'ignore' }],
  [408, { code: 'upstream_timeout', clientStatus: 504, retrySame: true, nextTarget: 'yes', billed: 'unknown' }],
  [409, { code: 'upstream_error', clientStatus: 409, retrySame: true, nextTarget: 'yes', breaker: 'ignore' }],
  [413, { code: 'upstream_rejected', clientStatus: 413, retrySame: false, nextTarget: 'no', breaker: 'ignore' }],
  [422, { code: 'upstream_rejected', clientStatus: 422, retrySame: false, nextTarget: 'no', breaker: 'ignore' }],
  [
    429,
    {
      code: 'upstream_rate_limited',
      clientStatus: 429,
      retrySame: false,
      nextTarget: 'yes',
      breaker: 'throttle',
      billed: 'no',
    },
  ],
  [500, { code: 'upstream_error', clientStatus: 502, retrySame: true, nextTarget: 'yes', breaker: 'failure' }],
  [
    502,
    {
      code: 'upstream_error',
      clientStatus: 502,
      retrySame: true,
      nextTarget: 'yes',
      breaker: 'failure',
      billed: 'unknown',
    },
  ],
  [
    503,
    {
      code: 'upstream_unavailable',
      clientStatus: 503,
      retrySame: true,
      nextTarget: 'yes',
      breaker: 'failure',
      billed: 'no',
    },
  ],
  [
    504,
    {
      code: 'upstream_timeout',
      clientStatus: 504,
      retrySame: true,
      nextTarget: 'yes',
      breaker: 'failure',
      billed: 'unknown',
    },
  ],
  [529, { code: 'upstream_unavailable', clientStatus: 503, retrySame: true, nextTarget: 'yes', breaker: 'failure' }],
  [
    302,
    {
      code: 'upstream_bad_response',
      clientStatus: 502,
      retrySame: false,
      nextTarget: 'yes',
      breaker: 'failure',
      billed: 'no',
    },
  ],
  [200, { code: 'upstream_bad_response', clientStatus: 502, retrySame: false, nextTarget: 'yes', breaker: 'failure' }],
];

/** What every kind of provider promises. Reads the recorded answers of the kind in `__fixtures__/<kind>`. */
export function describeProviderAdapter(adapter: ProviderAdapter): void {
  const read = (name: string): string =>
    readFileSync(new URL(`../__fixtures__/${adapter.kind}/${name}`, import.meta.url), 'utf8');
  const classify = (status: number, bodyText: string, headers: UpstreamRefusal['headers'] = {}): FailureClass =>
    adapter.classify({ status, headers, bodyText }, NOW_MS);

  describe(`the ${adapter.kind} adapter: requests`, () => {
    const body: ChatRequest = {
      model: 'alias',
      messages: [{ role: 'user', content: 'hi', own: [1] }],
      temperature: 0.5,
      reasoning_effort: 'low',
      own_field: { deep: [true, null] },
      fallbacks: ['other'],
      metadata: { tags: ['a'] },
    };
    const sent = (more: object = {}): Record<string, unknown> => {
      const call = { api: 'chat.completions', body: { ...body, ...more }, model: 'real/model' } as const;
      return JSON.parse(adapter.toUpstream(call).body) as Record<string, unknown>;
    };

    it('renames the model, keeps unknown fields and drops those of neighbours', () => {
      const { usage: _asked, ...rest } = sent();

      expect(rest).toEqual({
        model: 'real/model',
        messages: body.messages,
        temperature: 0.5,
        reasoning_effort: 'low',
        own_field: { deep: [true, null] },
      });
    });

    it('asks for usage on every stream, beside the options of the client', () => {
      expect(sent({ stream: true })['stream_options']).toEqual({ include_usage: true });
      expect(sent({ stream: true, stream_options: { include_usage: false, own: 1 } })['stream_options']).toEqual({
        include_usage: true,
        own: 1,
      });
      expect(sent({ stream: false })['stream_options']).toBeUndefined();
    });

    it('leaves the body of the client as it was, prototype names included', () => {
      const given = JSON.parse(
        '{"model":"m","messages":[],"stream":true,"__proto__":{"a":1},"provider":{}}',
      ) as ChatRequest;
      const before = JSON.stringify(given);

      const upstream = adapter.toUpstream({ api: 'chat.completions', body: given, model: 'x' });

      expect(JSON.stringify(given)).toBe(before);
      expect(upstream.body).toContain('"__proto__":{"a":1}');
    });

    it('keeps metadata that is not only tags for a router', () => {
      expect(sent({ metadata: { tags: ['a'], job: 'x' } })['metadata']).toEqual({ job: 'x' });
      expect(sent({ metadata: { job: 'x' } })['metadata']).toEqual({ job: 'x' });
    });

    it('sends embeddings to their own path', () => {
      const call = { api: 'embeddings', body: { model: 'a', input: 'x', dimensions: 8 }, model: 'e' } as const;

      const upstream = adapter.toUpstream(call);

      expect(upstream).toMatchObject({ method: 'POST', path: '/embeddings' });
      expect(JSON.parse(upstream.body)).toEqual({ model: 'e', input: 'x', dimensions: 8 });
    });

    it('names content types, and the key only where there is one', () => {
      const upstream = adapter.toUpstream({ api: 'chat.completions', body: { ...body, stream: true }, model: 'x' });

      expect(upstream.headers).toMatchObject({ 'content-type': 'application/json', accept: 'text/event-stream' });
      expect(Object.keys(upstream.headers)).not.toContain('authorization');
      expect(Object.values(adapter.authorization(CANARY)).join(' ')).toContain(CANARY);
      expect(adapter.authorization('')).toEqual({});
    });
  });

  describe(`the ${adapter.kind} adapter: recorded answers`, () => {
    const whole = readCompletion(read('chat.json'));
    const items = new SseParser().push(new TextEncoder().encode(read('chat-stream.sse')));
    const events = items.flatMap((item) => (item.kind === 'data' ? [readStreamData(item.data)] : []));

    it('are whole, and their usage adds up', () => {
      if (!whole.ok) throw new Error(whole.reason);
      const { meters, flags } = adapter.readUsage(whole.usage);

      expect(flags).toEqual([]);
      expect(inputTokens(meters)).toBe(whole.usage?.['prompt_tokens']);
      expect(outputTokens(meters)).toBe(whole.usage?.['completion_tokens']);
    });

    it('have the same meters as a stream and as a body', () => {
      const streamed = events.findLast(({ usage }) => usage !== null);
      if (!whole.ok) throw new Error(whole.reason);

      expect(adapter.readUsage(streamed?.usage)).toEqual(adapter.readUsage(whole.usage));
      expect(events.at(-1)?.kind).toBe('done');
    });

    it('say the same as a stream and as a body', () => {
      const assembly = new CompletionAssembly();
      for (const { chunk } of events) if (chunk !== null) assembly.add(chunk);
      if (!whole.ok) throw new Error(whole.reason);

      const folded = assembly.completion() as {
        choices: { message: Record<string, unknown>; finish_reason: string }[];
      };
      const [choice] = whole.body['choices'] as { message: Record<string, unknown>; finish_reason: string }[];

      expect(folded.choices[0]?.message['content']).toBe(choice?.message['content']);
      expect(folded.choices[0]?.message['reasoning_content']).toBe(choice?.message['reasoning_content']);
      expect(folded.choices[0]?.message['reasoning']).toBe(choice?.message['reasoning']);
      expect(folded.choices[0]?.finish_reason).toBe(choice?.finish_reason);
    });
  });

  describe(`the ${adapter.kind} adapter: refusals`, () => {
    it.each(COMMON)('knows status %i by itself', (status, expected) => {
      expect(classify(status, '')).toMatchObject(expected);
      expect(classify(status, '<html>no</html>')).toMatchObject(expected);
    });

    it.each(JSON.parse(read('refusals.json')) as RecordedRefusal[])('knows: $name', (recorded) => {
      const text = recorded.text ?? JSON.stringify(recorded.body);

      expect(classify(recorded.status, text, recorded.headers)).toMatchObject(recorded.expect);
    });

    it('never shows text of the provider, wherever a key stands in it', () => {
      for (const key of [CANARY, PLAIN_CANARY]) {
        const error = { message: key, type: key, code: key, param: key, metadata: { raw: key } };
        for (const status of [200, 302, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503]) {
          for (const body of [{ error }, { error: key }, { detail: key }, [{ error }], key]) {
            expect(JSON.stringify(classify(status, JSON.stringify(body)))).not.toContain('CANARY');
          }
        }
      }
    });

    it('gives a code of the list and a status for a client, whatever the status', () => {
      for (let status = 100; status < 700; status += 1) {
        const failure = classify(status, '{"error":{"message":"x"}}');

        expect(ROUTER_ERROR_CODES).toContain(failure.code);
        expect(failure.clientStatus).toBeGreaterThanOrEqual(400);
        expect(failure.clientStatus).not.toBe(401);
        expect(failure.publicMessage).not.toBe('');
      }
    });

    it('reads how long to wait', () => {
      const wait = (headers: Readonly<Record<string, string>>): number | null =>
        classify(429, '', headers).retryAfterMs;

      expect(wait({ 'retry-after': '3' })).toBe(3000);
      expect(wait({ 'retry-after-ms': '250', 'retry-after': '3' })).toBe(250);
      expect(wait({ 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' })).toBe(5000);
      expect(wait({})).toBeNull();
      expect(classify(429, '', { 'retry-after': '2' }).retrySame).toBe(true);
      expect(classify(429, '', { 'retry-after': '3' }).retrySame).toBe(false);
    });

    it('takes an id from headers or body, bounded', () => {
      expect(adapter.requestId({}, null)).toBeNull();
      expect(adapter.requestId({}, 'body-1')).toBe('body-1');
      expect(adapter.requestId({ 'x-request-id': 'req-1' }, null)).toBe('req-1');
      expect(adapter.requestId({ 'x-request-id': 'x'.repeat(5000) }, null)?.length).toBe(200);
    });
  });
}
