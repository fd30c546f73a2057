import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { SCENARIOS as ENGINE_SCENARIOS, statusScenario } from '../../libs/dispatch/src/__fixtures__/fault-scenarios.js';
import {
  chunkJson,
  completionJson,
  errorJson,
  sse,
  streamEvents,
  USAGE,
} from '../../libs/dispatch/src/__fixtures__/wire-samples.js';

export type Scenario = (typeof ENGINE_SCENARIOS)[string];

const MEBIBYTE = 1024 * 1024;

const openSse = (res: ServerResponse): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
};
const drained = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
/** Writes in the pieces given, each in a packet of its own as far as the network lets it. */
const inPieces = (pieces: () => readonly (string | Uint8Array)[], waitMs: number): Scenario => {
  return async ({ res }) => {
    openSse(res);
    for (const piece of pieces()) {
      if (res.destroyed) return;
      if (!res.write(piece)) await drained(res);
      if (waitMs > 0) await sleep(waitMs);
      else await new Promise(setImmediate);
    }
    res.end();
  };
};
const frames = (): string[] => streamEvents().map((event) => `data: ${event}\n\n`);
const jsonAnswer = (status: number, body: () => string): Scenario => {
  return ({ res }) => void res.writeHead(status, { 'content-type': 'application/json' }).end(body());
};
const usageOnEach = (): string[] =>
  streamEvents({ done: false }).map((event, at, all) => {
    const chunk = JSON.parse(event) as Record<string, unknown>;
    return JSON.stringify(at < all.length - 1 ? { ...chunk, usage: null } : chunk);
  });
const afterContent = (count: number, then: (res: ServerResponse) => void): Scenario => {
  return async ({ res }) => {
    openSse(res);
    res.write(sse(streamEvents().slice(0, count)));
    await sleep(10);
    then(res);
  };
};

/** What the whole product meets beyond the scenarios of the attempt engine's own tests. */
const MORE: Readonly<Record<string, Scenario>> = {
  /** Says the request's id, so that an answer in the wrong hands shows. */
  echo: async ({ res, streamed, arg }) => {
    if (!streamed) {
      await sleep(15);
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(
        completionJson({
          choices: [{ index: 0, message: { role: 'assistant', content: `echo ${arg}` }, finish_reason: 'stop' }],
        }),
      );
      return;
    }
    openSse(res);
    for (const piece of ['echo', ' ', ...(arg ?? '').split(/(?=_)/)]) {
      if (res.destroyed) return;
      res.write(sse([chunkJson({ content: piece })]));
      await sleep(8);
    }
    res.end(sse(streamEvents().slice(-3)));
  },
  /** Too many requests for the first call of a request, told as `429:<argument>` would; the next one is served. */
  once429: (scene) => (scene.n === 1 ? statusScenario(429)(scene) : ENGINE_SCENARIOS['ok']?.(scene)),
  /** Content at once, then a pause in milliseconds, then the rest. */
  s_pause: async ({ res, arg }) => {
    const events = streamEvents();
    openSse(res);
    res.write(sse(events.slice(0, 4)));
    await sleep(Number(arg ?? 300));
    if (!res.destroyed) res.end(sse(events.slice(4)));
  },
  s_onewrite: ({ res }) => {
    openSse(res);
    res.end(sse(streamEvents()));
  },
  s_each: inPieces(frames, 2),
  s_bytes: inPieces(() => [...Buffer.from(frames().join(''))].map((byte) => Buffer.of(byte)), 0),
  s_splitutf8: inPieces(() => frames().flatMap((frame) => halves(Buffer.from(frame))), 1),
  s_usageeach: ({ res }) => {
    openSse(res);
    res.end(sse([...usageOnEach(), '[DONE]']));
  },
  s_usagenull: ({ res }) => {
    openSse(res);
    res.end(
      sse([
        ...streamEvents({ usage: false, done: false }),
        chunkJson({}, null, { choices: [], usage: null }),
        '[DONE]',
      ]),
    );
  },
  s_reasoning: ({ res }) => {
    openSse(res);
    res.end(
      sse([
        chunkJson({ role: 'assistant', content: '' }),
        chunkJson({ reasoning_content: 'thinking' }),
        ...streamEvents().slice(1),
      ]),
    );
  },
  s_dupdone: ({ res }) => {
    openSse(res);
    res.end(sse([...streamEvents(), '[DONE]', '[DONE]']));
  },
  s_blanklines: ({ res }) => {
    openSse(res);
    res.end(`\n\n\n${sse(streamEvents(), '\n\n\n\n')}`);
  },
  s_mixedends: ({ res }) => {
    openSse(res);
    res.end(
      streamEvents()
        .map((event, at) => `data: ${event}${['\n\n', '\r\n\r\n', '\r\r'][at % 3]}`)
        .join(''),
    );
  },
  s_big: ({ res, arg }) => {
    openSse(res);
    res.end(
      sse([chunkJson({ role: 'assistant', content: 'x'.repeat(Number(arg ?? 2) * MEBIBYTE) }), ...streamEvents()]),
    );
  },
  s_infinite: async ({ res }) => {
    openSse(res);
    const event = sse([chunkJson({ content: 'y'.repeat(1_000) })]);
    while (!res.destroyed) {
      if (!res.write(event)) await drained(res);
      else await new Promise(setImmediate);
    }
  },
  s_noisybytes: ({ res }) => {
    openSse(res);
    res.end(Buffer.from([0xff, 0xfe, 0x00, 0x01, 0x0a, 0x0a, 0x80, 0x81]));
  },
  s_json429: jsonAnswer(429, () => errorJson('Rate limit reached', 'requests', 'rate_limit_exceeded')),
  s_json200: jsonAnswer(200, () => errorJson('upstream overloaded')),
  s_jsonwhole: jsonAnswer(200, () => completionJson()),
  s_errlast: afterContent(8, (res) => void res.end(sse([errorJson('The server had an error')]))),
  s_resetlast: afterContent(8, (res) => void res.socket?.resetAndDestroy()),
  s_finlast: afterContent(8, (res) => void res.end()),
  s_reset1: afterContent(2, (res) => void res.socket?.resetAndDestroy()),
  s_fin1: afterContent(2, (res) => void res.end()),
  s_errmidtext: afterContent(
    4,
    (res) => void res.end('event: error\ndata: {"error":{"message":"late","type":"server_error"}}\n\n'),
  ),
  s_halfevent: afterContent(4, (res) => void res.end('data: {"id":"x","choices":[{"index":0,"delta":{"content":"cu')),
  s_wrongtype: afterContent(4, (res) => void res.end(sse(['[]', '"text"', '17']))),
  nullbody: jsonAnswer(200, () => 'null'),
  arraybody: jsonAnswer(200, () => '[]'),
  emptyobject: jsonAnswer(200, () => '{}'),
  nullchoices: jsonAnswer(200, () => completionJson({ choices: null })),
  stringchoices: jsonAnswer(200, () => completionJson({ choices: 'one' })),
  proto: jsonAnswer(200, () => `{"__proto__":{"polluted":1},${completionJson().slice(1)}`),
  oddusage: jsonAnswer(200, () =>
    completionJson({ usage: { ...USAGE, prompt_tokens: -5, completion_tokens: 'many', total_tokens: 1e308 } }),
  ),
  bomb: ({ res, arg }) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    res.flushHeaders();
    res.end(gzipSync(Buffer.alloc(Number(arg ?? 8) * MEBIBYTE, 32)));
  },
  hangerr: ({ res }) => {
    res.writeHead(500, { 'content-type': 'application/json' });
    res.flushHeaders();
  },
  manyheaders: ({ res }) => {
    const extra = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-many-${at}`, 'v']));
    res.writeHead(200, { 'content-type': 'application/json', ...extra }).end(completionJson());
  },
  setcookie: ({ res }) =>
    void res
      .writeHead(200, {
        'content-type': 'application/json',
        'set-cookie': 'session=UPSTREAMSECRET',
        'x-internal': 'UPSTREAMSECRET',
      })
      .end(completionJson()),
  informational: ({ res }) => {
    res.writeProcessing();
    res.writeEarlyHints({ link: '</x>; rel=preload' });
    res.writeHead(200, { 'content-type': 'application/json' }).end(completionJson());
  },
};

const halves = (frame: Buffer): Buffer[] => {
  const cut = frame.findIndex((byte) => byte >= 0x80) + 1 || Math.floor(frame.length / 2);
  return [frame.subarray(0, cut), frame.subarray(cut)];
};

const ALL: ReadonlyMap<string, Scenario> = new Map(Object.entries({ ...ENGINE_SCENARIOS, ...MORE }));

/** All named scenarios; a three-digit name is a bare status beside them. */
export const SCENARIO_NAMES: readonly string[] = [...ALL.keys()];

export function findScenario(name: string): Scenario | undefined {
  return /^[1-5]\d\d$/.test(name) ? statusScenario(Number(name)) : ALL.get(name);
}
