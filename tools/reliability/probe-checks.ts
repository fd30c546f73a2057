import { setTimeout as sleep } from 'node:timers/promises';
import { ANSWER_TEXT } from '../../libs/dispatch/src/__fixtures__/wire-samples.js';
import { callGateway, openAiError, readStream, type CallOptions, type CallResult } from './http-call.js';

/** What the probe sees of the calls that reached the upstream. */
export interface ProbeUpstream {
  attempts(id: string): Promise<readonly { readonly closedMs: number | null; readonly finished: boolean }[]>;
  canaryHits(): Promise<number>;
}

export interface ProbeTarget {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly upstream: ProbeUpstream;
  readonly maxAttempts: number;
  /** Nothing may take longer; the gateway's own timeouts must be shorter. */
  readonly deadlineMs: number;
}

export interface Check {
  readonly name: string;
  /** @returns what is wrong, or `null`. */
  run(target: ProbeTarget): Promise<string | null>;
}

const MEBIBYTE = 1024 * 1024;
const USAGE = { stream_options: { include_usage: true } };
/** Secrets of both sides, addresses of the upstream, lines of a stack. */
const LEAK = /UPSTREAMSECRET|CLIENTSECRET|127\.0\.0\.1|\bat .*\.[jt]s:\d+/;

const call = (target: ProbeTarget, model: string, options: CallOptions = {}): Promise<CallResult> =>
  callGateway(target.baseUrl, model, { deadlineMs: target.deadlineMs, ...options });

/** The first complaint of a list of expectations. */
const firstOf = (...complaints: readonly (string | false)[]): string | null =>
  complaints.find((complaint): complaint is string => complaint !== false) ?? null;

const seenAs = (result: CallResult): string =>
  `status ${result.status}${result.hung ? ', hung' : ''}${result.error === null ? '' : `, ${result.error}`} after ${Math.round(result.tookMs)} ms: ${result.body.subarray(0, 160).toString('utf8')}`;

const leaks = (result: CallResult): string | false => {
  const shown = `${JSON.stringify(result.headers)}${result.body.toString('utf8')}`;
  return LEAK.test(shown) && `leaks ${LEAK.exec(shown)?.[0]}`;
};

const check = (name: string, run: Check['run']): Check => ({ name, run });

// ---- whole answers

const json = (name: string, model: string): Check =>
  check(`answer.${name}`, async (target) => {
    const result = await call(target, model);
    const body = parse(result.body) as {
      choices?: { message: { content: string } }[];
      usage?: { total_tokens: number };
    };
    return firstOf(
      (result.status !== 200 || body.choices?.[0]?.message.content !== ANSWER_TEXT) && seenAs(result),
      leaks(result),
      result.headers['set-cookie'] !== undefined && 'passes a cookie of the provider on',
    );
  });

const stream = (scenario: string, expectation: { readonly usage?: boolean; readonly extraText?: string } = {}): Check =>
  check(`shape.${scenario}`, async (target) => {
    const result = await call(target, `f:${scenario}`, { stream: true, extra: USAGE });
    const read = readStream(result.body);
    return firstOf(
      (result.status !== 200 || result.hung || result.error !== null) && seenAs(result),
      read.text !== (expectation.extraText ?? '') + ANSWER_TEXT && `text ${JSON.stringify(read.text.slice(0, 80))}`,
      read.finishReason !== 'stop' && `finish_reason ${read.finishReason}`,
      read.doneCount !== 1 && `${read.doneCount} × [DONE]`,
      read.afterDone !== 0 && 'events after [DONE]',
      read.unparsable !== 0 && `${read.unparsable} frames are not JSON`,
      read.dangling && 'the last event is not terminated',
      expectation.usage !== false && read.usageTokens !== 18 && `usage ${read.usageTokens}`,
      result.headers['content-type']?.startsWith('text/event-stream') !== true && 'wrong content type',
    );
  });

const SHAPES: readonly Check[] = [
  'ok',
  's_each',
  's_crlf',
  's_cr',
  's_nospace',
  's_comments',
  's_evid',
  's_bytes',
  's_onewrite',
  's_bom',
  's_multidata',
  's_nofinalnl',
  's_nodone',
  's_afterdone',
  's_usagelast',
  's_usageeach',
  's_usagefirst',
  's_splitutf8',
  's_dupdone',
  's_blanklines',
  's_mixedends',
  's_reasoning',
  's_slow:5',
  's_resetafterfinish',
].map((scenario) => stream(scenario, { usage: scenario !== 's_resetafterfinish' }));

const MORE_SHAPES: readonly Check[] = [
  stream('s_nousage', { usage: false }),
  stream('s_usagenull', { usage: false }),
  check('shape.usage is hidden from who did not ask', async (target) => {
    const result = await call(target, 'f:ok', { stream: true });
    const read = readStream(result.body);
    return firstOf(read.text !== ANSWER_TEXT && seenAs(result), read.usageTokens !== null && 'usage was not asked for');
  }),
  check('shape.2 MiB in one event', async (target) => {
    const read = readStream((await call(target, 'f:s_big:2', { stream: true })).body);
    return firstOf(
      read.text.length !== 2 * MEBIBYTE + ANSWER_TEXT.length && `${read.text.length} characters`,
      read.doneCount !== 1 && 'no [DONE]',
    );
  }),
  check('shape.9 MiB in one event is an error frame', async (target) => {
    const read = readStream((await call(target, 'f:s_toobig', { stream: true })).body);
    return firstOf(
      read.errorFrames !== 1 && `${read.errorFrames} error frames`,
      read.doneCount !== 0 && 'ends as if whole',
    );
  }),
  check('shape.20,000 chunks', async (target) => {
    const read = readStream((await call(target, 'f:s_many:20000', { stream: true })).body);
    return firstOf(
      read.text.length !== 60_000 && `${read.text.length} characters`,
      read.doneCount !== 1 && 'no [DONE]',
    );
  }),
  check('shape.first content is not held back', async (target) => {
    const result = await call(target, 'f:s_slow:200', { stream: true });
    return firstOf(
      (result.firstByteMs ?? Infinity) > 500 && `first byte after ${result.firstByteMs} ms`,
      readStream(result.body).text !== ANSWER_TEXT && seenAs(result),
    );
  }),
  check('shape.tool calls', async (target) => {
    const result = await call(target, 'f:s_tools', { stream: true });
    const read = readStream(result.body);
    return firstOf(
      read.finishReason !== 'tool_calls' && seenAs(result),
      !result.body.includes('{\\"a\\":1}') && 'the arguments are gone',
    );
  }),
];

// ---- failures that are told

interface Told {
  readonly status?: number;
  readonly code?: string;
  readonly attemptsMax?: number;
  readonly attemptsMin?: number;
  readonly options?: CallOptions;
}

const told = (scenario: string, { status, code, attemptsMax, attemptsMin = 1, options = {} }: Told = {}): Check =>
  check(`error.${scenario}${options.stream === true ? ' (stream)' : ''}`, async (target) => {
    const result = await call(target, `f:${scenario}`, options);
    const attempts = (await target.upstream.attempts(result.id)).length;
    const error = openAiError(result.body);
    return firstOf(
      result.hung && seenAs(result),
      (status === undefined ? result.status < 400 : result.status !== status) && seenAs(result),
      error === null && `not an error of OpenAI's shape: ${seenAs(result)}`,
      code !== undefined && error?.code !== code && `code ${error?.code}`,
      result.status === 401 && 'a 401 of the provider must not reach the client',
      attempts < attemptsMin && `${attempts} attempts`,
      attempts > (attemptsMax ?? target.maxAttempts) && `${attempts} attempts`,
      result.headers['content-type']?.startsWith('application/json') !== true && 'wrong content type',
      result.status >= 500 &&
        result.headers['x-should-retry'] !== 'false' &&
        'invites the SDK to retry what was retried',
      result.status === 429 &&
        result.headers['x-should-retry'] !== 'false' &&
        result.headers['retry-after'] === undefined &&
        'a 429 without a wait',
      leaks(result),
      (await target.upstream.canaryHits()) > 0 && 'followed a redirect',
    );
  });

const both = (scenario: string, expectation: Told = {}): readonly Check[] => [
  told(scenario, expectation),
  told(scenario, { ...expectation, options: { ...expectation.options, stream: true } }),
];

const ERRORS: readonly Check[] = [
  ...both('400', { status: 400, attemptsMax: 1 }),
  ...both('404', { status: 404, attemptsMax: 1 }),
  ...both('413', { status: 413, attemptsMax: 1 }),
  ...both('422', { status: 422, attemptsMax: 1 }),
  ...both('ctx', { status: 400, code: 'context_length_exceeded', attemptsMax: 1 }),
  ...both('policy', { status: 400, code: 'content_policy_violation', attemptsMax: 1 }),
  told('leaky400', { status: 400, attemptsMax: 1 }),
  ...both('401', { status: 502, code: 'upstream_auth_failed' }),
  ...both('403', { status: 502, code: 'upstream_auth_failed' }),
  ...both('500', { status: 502 }),
  ...both('502', { status: 502 }),
  ...both('503', { status: 503 }),
  ...both('504', { status: 504 }),
  ...both('529', { status: 503 }),
  told('429', { status: 429, code: 'upstream_rate_limited' }),
  told('429:ra1', { status: 429 }),
  told('429:ra3600', { status: 429 }),
  told('429:radate', { status: 429 }),
  told('429:quota', { code: 'upstream_quota_exhausted' }),
  ...both('html502', { status: 502 }),
  ...both('html200', { status: 502 }),
  ...[
    'empty200',
    'badjson',
    'wrongshape',
    'json200',
    'short',
    'nullbody',
    'arraybody',
    'emptyobject',
    'nullchoices',
    'stringchoices',
  ].map((scenario) => told(scenario, {})),
  ...['reset', 'resethdr', 'garbage', 'hangerr'].flatMap((scenario) => both(scenario)),
  ...both('redirect', { status: 502 }),
  told('huge', { status: 502, code: 'upstream_bad_response' }),
  told('bomb:48', { status: 502, code: 'upstream_bad_response' }),
];

const RECOVERIES: readonly Check[] = [
  check('recovers.flaky', async (target) => {
    const result = await call(target, 'f:flaky:1');
    return firstOf(
      result.status !== 200 && seenAs(result),
      (await target.upstream.attempts(result.id)).length !== 2 && 'not two attempts',
    );
  }),
  check('recovers.flaky (stream)', async (target) => {
    const result = await call(target, 'f:flaky:1', { stream: true });
    return firstOf(
      readStream(result.body).text !== ANSWER_TEXT && seenAs(result),
      (await target.upstream.attempts(result.id)).length !== 2 && 'not two attempts',
    );
  }),
];

// ---- nothing hangs

const timeout = (scenario: string, streamed: boolean, afterContent: boolean): Check =>
  check(`timeout.${scenario}${streamed ? ' (stream)' : ''}`, async (target) => {
    const result = await call(target, `f:${scenario}`, { stream: streamed });
    const read = readStream(result.body);
    if (afterContent) {
      return firstOf(
        result.hung && seenAs(result),
        read.errorFrames !== 1 && `${read.errorFrames} error frames: ${seenAs(result)}`,
        read.doneCount !== 0 && 'ends as if whole',
      );
    }
    return firstOf(
      result.hung && seenAs(result),
      (result.status !== 504 || openAiError(result.body) === null) && seenAs(result),
    );
  });

const TIMEOUTS: readonly Check[] = [
  timeout('hang', false, false),
  timeout('hang', true, false),
  timeout('hangbody', false, false),
  timeout('hangbody', true, false),
  timeout('drip', true, false),
  timeout('s_stall', true, true),
  timeout('s_pingstall', true, true),
  check('timeout.x-nextmodel-timeout-ms', async (target) => {
    const result = await call(target, 'f:hang', { headers: { 'x-nextmodel-timeout-ms': '150' } });
    return firstOf(result.status !== 504 && seenAs(result), result.tookMs > 1_000 && `took ${result.tookMs} ms`);
  }),
];

// ---- broken streams

const beforeContent = (scenario: string): Check =>
  check(`pretoken.${scenario}`, async (target) => {
    const result = await call(target, `f:${scenario}`, { stream: true });
    return firstOf(
      result.hung && seenAs(result),
      (result.status < 400 || openAiError(result.body) === null) && seenAs(result),
      leaks(result),
    );
  });

const midStream = (scenario: string): Check =>
  check(`midstream.${scenario}`, async (target) => {
    const result = await call(target, `f:${scenario}`, { stream: true });
    const read = readStream(result.body);
    return firstOf(
      (result.status !== 200 || result.hung) && seenAs(result),
      read.errorFrames !== 1 && `${read.errorFrames} error frames`,
      read.doneCount !== 0 && 'a cut that ends with [DONE]',
      read.finishReason === 'stop' && 'a cut with finish_reason stop',
      read.text === '' && 'what had come was not shown',
      read.unparsable !== 0 && 'passes broken JSON on',
      (await target.upstream.attempts(result.id)).length !== 1 && 'tried again after content',
    );
  });

const CUTS: readonly Check[] = [
  ...[
    's_errfirst',
    's_json429',
    's_json200',
    's_jsonwhole',
    's_reset0',
    's_fin0',
    's_roleonly',
    's_doneonly',
    's_html',
    's_noisybytes',
    's_holdflood',
  ].map(beforeContent),
  ...[
    's_errmid',
    's_errmidtext',
    's_errchunk',
    's_reset',
    's_fin',
    's_badjson',
    's_halfevent',
    's_wrongtype',
    's_errlast',
    's_resetlast',
    's_finlast',
    's_reset1',
    's_fin1',
  ].map(midStream),
];

// ---- callers that leave

const leaves = (scenario: string, options: CallOptions): Check =>
  check(
    `disconnect.${scenario}${options.stream === true ? ' (stream)' : ''}${options.leaveAtFirstByte === true ? ' at the first byte' : ''}`,
    async (target) => {
      const result = await call(target, `f:${scenario}`, options);
      await sleep(400);
      const attempts = await target.upstream.attempts(result.id);
      const [first] = attempts;
      return firstOf(
        attempts.length !== 1 && `${attempts.length} attempts`,
        first?.closedMs == null && 'the upstream call is still open',
        (first?.closedMs ?? 0) > 1_000 && `closed after ${first?.closedMs} ms`,
      );
    },
  );

const DISCONNECTS: readonly Check[] = [
  leaves('s_infinite', { stream: true, leaveAfterMs: 200 }),
  leaves('s_infinite', { stream: true, leaveAtFirstByte: true }),
  leaves('s_slow:500', { stream: true, leaveAtFirstByte: true }),
  leaves('hang', { leaveAfterMs: 100 }),
  leaves('hang', { stream: true, leaveAfterMs: 100 }),
  leaves('hangbody', { leaveAfterMs: 100 }),
  leaves('hangbody', { stream: true, leaveAfterMs: 100 }),
  leaves('slow:4000', { leaveAfterMs: 100 }),
];

// ---- what clients send

const refused = (
  name: string,
  rawBody: string | Uint8Array,
  statuses: readonly number[] = [400],
  options: CallOptions = {},
): Check =>
  check(`input.${name}`, async (target) => {
    const result = await call(target, 'f:ok', { rawBody, ...options });
    const after = await call(target, 'f:ok');
    return firstOf(
      (!statuses.includes(result.status) || openAiError(result.body) === null) && seenAs(result),
      leaks(result),
      after.status !== 200 && `the next request failed: ${seenAs(after)}`,
    );
  });

const messages = '[{"role":"user","content":"hi"}]';
const INPUTS: readonly Check[] = [
  refused('not JSON', '{"model":'),
  refused('empty', ''),
  refused('array', '[]'),
  refused('null', 'null'),
  refused('number', '17'),
  refused('null model', `{"model":null,"messages":${messages}}`),
  refused('number as model', `{"model":7,"messages":${messages}}`),
  refused('model of 2 MiB', `{"model":"${'m'.repeat(2 * MEBIBYTE)}","messages":${messages}}`),
  refused('line break in the model', `{"model":"f:ok\\r\\nx-evil: 1","messages":${messages}}`, [400, 404]),
  refused('no messages', '{"model":"f:ok"}'),
  refused('empty messages', '{"model":"f:ok","messages":[]}'),
  refused('messages as text', '{"model":"f:ok","messages":"hi"}'),
  refused(
    '3,000 messages',
    JSON.stringify({ model: 'f:ok', messages: Array.from({ length: 3_000 }, () => ({ role: 'user', content: 'x' })) }),
  ),
  refused(
    '300 tools',
    JSON.stringify({
      model: 'f:ok',
      messages: [{ role: 'user', content: 'x' }],
      tools: Array.from({ length: 300 }, () => ({ type: 'function', function: { name: 'f' } })),
    }),
  ),
  refused('n of a million', `{"model":"f:ok","n":1000000,"messages":${messages}}`),
  refused('JSON 100,000 deep', `{"model":"f:ok","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  refused('invalid UTF-8 around', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
  refused(
    '6 MiB',
    JSON.stringify({ model: 'f:ok', messages: [{ role: 'user', content: 'a'.repeat(6 * MEBIBYTE) }] }),
    [413],
  ),
  refused('unknown model', `{"model":"nobody-knows","messages":${messages}}`, [404]),
  refused('unknown route', '{}', [404], { path: '/nope' }),
  refused('wrong method', '', [405], { method: 'PUT' }),
  refused('no key', '{}', [401], { key: '' }),
  refused('wrong key', '{}', [401], { key: 'nm_wrong' }),
  refused('SQL in the key', '{}', [401], { key: "' OR 1=1 --" }),
  check('input.64 MiB', async (target) => {
    const result = await call(target, '', { rawBody: Buffer.alloc(64 * MEBIBYTE, 97) });
    const after = await call(target, 'f:ok');
    return firstOf(
      result.status !== 413 && !/ECONNRESET|EPIPE/.test(result.error ?? '') && seenAs(result),
      after.status !== 200 && seenAs(after),
    );
  }),
  check('input.prototype keys', async (target) => {
    const rawBody = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"model":"f:ok","messages":${messages}}`;
    await call(target, '', { rawBody });
    const after = await call(target, 'f:ok');
    return firstOf(after.status !== 200 && seenAs(after), after.body.includes('polluted') && 'polluted');
  }),
  check('input.an address of the client’s choice is none', async (target) => {
    const headers = {
      'x-upstream-url': 'http://127.0.0.1:1/',
      'x-portkey-custom-host': 'http://127.0.0.1:1/',
      host: 'evil.example',
    };
    const result = await call(target, 'f:ok', {
      headers,
      extra: { base_url: 'http://127.0.0.1:1/', api_base: 'http://127.0.0.1:1/' },
    });
    return firstOf(
      result.status !== 200 && seenAs(result),
      (await target.upstream.attempts(result.id)).length !== 1 && 'went elsewhere',
    );
  }),
];

// ---- upstreams that are hostile

const UPSTREAMS: readonly Check[] = [
  json('an everyday one', 'f:ok'),
  json('one with early hints', 'f:informational'),
  json('one that sets cookies', 'f:setcookie'),
  json('one with prototype keys', 'f:proto'),
  json('one that closes idle connections', 'f:closeidle'),
  check('answer.odd usage is no crash', async (target) => {
    const result = await call(target, 'f:oddusage');
    return firstOf(result.status !== 200 && openAiError(result.body) === null && seenAs(result));
  }),
  ...['bigheaders', 'manyheaders', 'nochoices'].map((scenario) =>
    check(`answer.${scenario} is whole or an error`, async (target) => {
      const result = await call(target, `f:${scenario}`);
      return firstOf(
        result.hung && seenAs(result),
        result.status !== 200 && openAiError(result.body) === null && seenAs(result),
      );
    }),
  ),
  check('answer.embeddings', async (target) => {
    const result = await call(target, '', { path: '/embeddings', rawBody: '{"model":"f:ok","input":"hello"}' });
    return firstOf(result.status !== 200 && seenAs(result), !result.body.includes('"embedding"') && 'no embedding');
  }),
];

const ALIVE: readonly Check[] = [
  check('alive.after', async (target) => {
    const result = await call(target, 'f:ok');
    return firstOf(result.status !== 200 && seenAs(result));
  }),
  check('alive.stream after', async (target) => {
    const result = await call(target, 'f:ok', { stream: true });
    return firstOf(readStream(result.body).text !== ANSWER_TEXT && seenAs(result));
  }),
];

/** All checks, in the order in which they are run. None passes against a gateway that is down. */
export const CHECKS: readonly Check[] = [
  ...UPSTREAMS,
  ...SHAPES,
  ...MORE_SHAPES,
  ...ERRORS,
  ...RECOVERIES,
  ...CUTS,
  ...TIMEOUTS,
  ...DISCONNECTS,
  ...INPUTS,
  ...ALIVE,
];

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return {};
  }
}
