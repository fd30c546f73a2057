import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { chunkJson, completionJson, errorJson, sse, streamEvents, USAGE } from './wire-samples.js';

interface Scene {
  readonly res: ServerResponse;
  readonly streamed: boolean;
  readonly arg: string | undefined;
  /** How often this scenario was called, from 1. */
  readonly n: number;
}

type Scenario = (scene: Scene) => void | Promise<void>;

const json = (res: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void => {
  res.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_fault', ...headers });
  res.end(body);
};
const openSse = (res: ServerResponse): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_fault' });
};
const whole = (text: () => string): Scenario => {
  return ({ res }) => {
    openSse(res);
    res.end(text());
  };
};
/** A stream that sends some events, then does something bad. */
const start = (count: number, then: (res: ServerResponse) => void | Promise<void>): Scenario => {
  return async ({ res }) => {
    openSse(res);
    res.write(sse(streamEvents().slice(0, count)));
    await sleep(10);
    await then(res);
  };
};
const good: Scenario = ({ res, streamed }) => {
  if (!streamed) return json(res, 200, completionJson());
  openSse(res);
  res.end(sse(streamEvents()));
};
const reset = (res: ServerResponse): void => {
  res.socket?.resetAndDestroy();
};
const nothing = (): void => {};
const drained = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });

const RETRY_AFTER: Readonly<Record<string, () => Record<string, string>>> = {
  ra0: () => ({ 'retry-after-ms': '40' }),
  ra300ms: () => ({ 'retry-after-ms': '300' }),
  ra1: () => ({ 'retry-after': '1' }),
  ra3600: () => ({ 'retry-after': '3600' }),
  radate: () => ({ 'retry-after': new Date(Date.now() + 2_000).toUTCString() }),
};

/** A bare status with an error body. `429:quota`, `429:ra1`, … */
export const statusScenario =
  (status: number): Scenario =>
  ({ res, arg }) => {
    if (arg === 'quota') return json(res, status, errorJson('You exceeded your quota', 'insufficient_quota', 'insufficient_quota'));
    const message = status === 401 ? 'Incorrect API key provided: sk-UPSTREAMSECRET' : `injected ${status}`;
    const code = status === 429 ? 'rate_limit_exceeded' : null;
    json(res, status, errorJson(message, 'server_error', code), RETRY_AFTER[arg ?? '']?.() ?? {});
  };

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ok: good,
  flaky: (scene) => (scene.n <= Number(scene.arg ?? 1) ? json(scene.res, 500, errorJson('flaky')) : good(scene)),
  slow: async (scene) => {
    await sleep(Number(scene.arg ?? 500));
    if (!scene.res.destroyed) await good(scene);
  },
  ctx: ({ res }) => json(res, 400, errorJson('maximum context length is 8192', 'invalid_request_error', 'context_length_exceeded')),
  policy: ({ res }) => json(res, 400, errorJson('rejected', 'invalid_request_error', 'content_policy_violation')),
  leaky400: ({ res }) => json(res, 400, errorJson('bad key sk-UPSTREAMSECRET0123 in field', 'invalid_request_error')),
  html502: ({ res }) => void res.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>'),
  html200: ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>login</html>'),
  empty200: ({ res }) => json(res, 200, ''),
  badjson: ({ res }) => json(res, 200, '{"id":"x","choices":[{"mess'),
  wrongshape: ({ res }) => json(res, 200, '{"ok":true}'),
  nochoices: ({ res }) => json(res, 200, completionJson({ choices: [] })),
  json200: ({ res }) => json(res, 200, errorJson('upstream overloaded')),
  plainjson: ({ res }) => json(res, 200, completionJson()),
  nousage: ({ res }) => json(res, 200, completionJson({ usage: undefined })),
  short: async ({ res }) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
    res.write(completionJson());
    await sleep(20);
    res.socket?.destroy();
  },
  reset: ({ res }) => reset(res),
  resethdr: async ({ res }) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
    await sleep(10);
    reset(res);
  },
  hang: nothing,
  hangbody: ({ res, streamed }) => {
    if (streamed) openSse(res);
    else res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
  },
  drip: async ({ res }) => {
    openSse(res);
    for (const byte of Buffer.from(sse(streamEvents()))) {
      if (res.destroyed) return;
      res.write(Buffer.of(byte));
      await sleep(60);
    }
  },
  garbage: ({ res }) => {
    res.socket?.end('NOT HTTP AT ALL\u0000\r\n\r\n');
  },
  redirect: ({ res, arg }) => void res.writeHead(307, { location: `http://127.0.0.1:${arg}/canary` }).end(),
  bomb: ({ res }) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    res.end(gzipSync(Buffer.alloc(8 * 1024 * 1024, 32)));
  },
  huge: async ({ res }) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    for (let i = 0; i < 40 && !res.destroyed; i += 1) {
      if (!res.write(' '.repeat(1024 * 1024))) await drained(res);
    }
    res.end(completionJson());
  },
  bigheaders: ({ res }) => json(res, 200, completionJson(), { 'x-big': 'a'.repeat(60_000) }),
  closeidle: (scene) => {
    // Keep-alive is promised and the connection reset at once: the next call meets a dead socket.
    const { socket } = scene.res;
    scene.res.on('finish', () => setImmediate(() => socket?.resetAndDestroy()));
    return good(scene);
  },

  s_crlf: whole(() => sse(streamEvents(), '\r\n\r\n')),
  s_cr: whole(() => sse(streamEvents(), '\r\r')),
  s_nospace: whole(() => sse(streamEvents(), '\n\n', 'data:')),
  s_comments: whole(() => `: PROCESSING\n\n${sse(streamEvents(), '\n\n: ping\n\n')}`),
  s_evid: whole(() => sse(streamEvents(), '\n\n', 'event: message\nid: 7\nretry: 3000\ndata: ')),
  s_bom: whole(() => `\uFEFF${sse(streamEvents())}`),
  s_multidata: whole(() => streamEvents().map((e) => `${pretty(e).split('\n').map((l) => `data: ${l}`).join('\n')}\n\n`).join('')),
  s_nofinalnl: whole(() => sse(streamEvents()).trimEnd()),
  s_nodone: whole(() => sse(streamEvents({ done: false }))),
  s_nousage: whole(() => sse(streamEvents({ usage: false }))),
  s_usagelast: whole(() => sse([...streamEvents({ usage: false, done: false }).slice(0, -1), chunkJson({}, 'stop', { usage: USAGE }), '[DONE]'])),
  s_usagefirst: whole(() => sse([chunkJson({ role: 'assistant' }, null, { usage: USAGE }), ...streamEvents({ usage: false })])),
  s_afterdone: whole(() => sse([...streamEvents(), chunkJson({ content: 'LATE' })])),
  s_tools: whole(() => sse([
    chunkJson({ role: 'assistant', content: null }),
    chunkJson({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] }),
    chunkJson({}, 'tool_calls'),
    '[DONE]',
  ])),
  s_twochoices: whole(() => sse([
    chunkJson({ content: 'a' }),
    JSON.stringify({ choices: [{ index: 1, delta: { content: 'b' }, finish_reason: null }] }),
    chunkJson({}, 'stop'),
  ])),
  s_big: whole(() => sse([chunkJson({ content: 'x'.repeat(2 * 1024 * 1024) }), ...streamEvents()])),
  s_toobig: whole(() => sse([chunkJson({ content: 'first' }), chunkJson({ content: 'x'.repeat(9 * 1024 * 1024) })])),
  s_holdflood: whole(() => sse([...Array.from({ length: 800 }, () => chunkJson({ content: '' })), ...streamEvents()])),
  s_many: async ({ res, arg }) => {
    openSse(res);
    const count = Number(arg ?? 5_000);
    for (let i = 0; i < count && !res.destroyed; i += 1) {
      if (!res.write(sse([chunkJson({ content: 'ab ' })]))) await drained(res);
    }
    res.end(sse([chunkJson({}, 'stop'), '[DONE]']));
  },
  s_slow: async ({ res, arg }) => {
    openSse(res);
    for (const event of streamEvents()) {
      if (res.destroyed) return;
      res.write(sse([event]));
      await sleep(Number(arg ?? 30));
    }
    res.end();
  },
  s_errfirst: whole(() => sse([errorJson('Rate limit reached', 'requests', 'rate_limit_exceeded')])),
  s_fin0: whole(() => ''),
  s_doneonly: whole(() => sse(['[DONE]'])),
  s_html: whole(() => '<html>hello</html>'),
  s_reset0: start(0, reset),
  s_roleonly: start(1, reset),
  s_reset: start(4, reset),
  s_fin: start(4, (res) => void res.end()),
  s_errmid: start(4, (res) => void res.end(sse([errorJson('The server had an error')]))),
  s_errchunk: start(4, (res) => void res.end(sse([chunkJson({ content: '' }, 'error', { error: { code: 502, message: 'gone' } })]))),
  s_badjson: start(4, (res) => void res.end(`data: {"id":"x","choices":[{"ind\n\n${sse(streamEvents().slice(4))}`)),
  s_stall: start(4, nothing),
  s_resetafterfinish: start(9, reset),
  s_pingstall: start(4, async (res) => {
    while (!res.destroyed) {
      res.write(': ping\n\n');
      await sleep(15);
    }
  }),
};

function pretty(event: string): string {
  return event === '[DONE]' ? event : JSON.stringify(JSON.parse(event), null, 1);
}
