import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request that reached an upstream. */
export interface UpstreamCall {
  readonly path: string;
  readonly model: string;
  /** The last user message, or the input of an embedding. */
  readonly text: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** The caller left before the answer was complete. */
  closedEarly: boolean;
}

export interface ScriptedUpstream {
  readonly name: string;
  readonly port: number;
  readonly calls: UpstreamCall[];
  /** How many calls had this text in their last user message. */
  seen(text: string): number;
  close(): Promise<void>;
}

/** 1,000 prompt tokens (200 of them cached) and 100 completion tokens (40 of them reasoning), always. */
export const USAGE = {
  prompt_tokens: 1000,
  completion_tokens: 100,
  total_tokens: 1100,
  prompt_tokens_details: { cached_tokens: 200 },
  completion_tokens_details: { reasoning_tokens: 40 },
} as const;

const DRIP_PIECES = 200;
const DRIP_MS = 50;

/**
 * An OpenAI-compatible server that does what the model's name says: `fail-<status>`, `hang` (no answer at all), `slow`
 * (0.3 s), `stall` (head, then nothing), `cut-early` (ends before the first content), `cut` (breaks off after some
 * content), `drip` (10 s of content), `pour` (1.5 s of content), `tools` (a tool call), `usage-beside` (usage in a
 * chunk that has content). Every other model answers
 * `<name> on: <last user message>`, so that a wrong hit of the cache shows in the text.
 */
export async function startUpstream(name: string): Promise<ScriptedUpstream> {
  const calls: UpstreamCall[] = [];
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    serve(name, calls, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name,
    port: (server.address() as AddressInfo).port,
    calls,
    seen: (text) => calls.filter((call) => call.text.includes(text)).length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  name: string,
  calls: UpstreamCall[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  if (request.method === 'GET') return sendJson(response, 200, { object: 'list', data: [] });
  const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>;
  const call: UpstreamCall = {
    path: request.url ?? '',
    model: String(body['model']),
    text: questionOf(body),
    authorization: request.headers.authorization,
    body,
    closedEarly: false,
  };
  calls.push(call);
  response.on('close', () => {
    call.closedEarly = !response.writableFinished;
  });
  const failure = /^fail-(\d+)$/.exec(call.model);
  if (failure !== null) return sendFailure(response, Number(failure[1]));
  if (call.model === 'hang') return;
  if (call.model === 'slow') await sleep(300);
  if (call.path.endsWith('/embeddings')) return sendEmbeddings(response, call);
  const answer = `${name} on: ${call.text}`;
  if (body['stream'] === true) await sendStream(response, call, answer);
  else sendCompletion(response, call, answer);
}

function questionOf(body: Readonly<Record<string, unknown>>): string {
  const messages = body['messages'] as readonly { readonly content: unknown }[] | undefined;
  const content = messages?.at(-1)?.content ?? body['input'] ?? '';
  return typeof content === 'string' ? content : JSON.stringify(content);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

function sendFailure(response: ServerResponse, status: number): void {
  const error = { message: `the upstream says ${status}`, type: 'server_error', param: null, code: null };
  sendJson(response, status, { error }, status === 429 ? { 'retry-after': '1' } : {});
}

function sendEmbeddings(response: ServerResponse, call: UpstreamCall): void {
  const inputs = [call.body['input']].flat();
  sendJson(response, 200, {
    object: 'list',
    model: call.model,
    data: inputs.map((_, index) => ({ object: 'embedding', index, embedding: [0.1, 0.2, 0.3] })),
    usage: { prompt_tokens: 8, total_tokens: 8 },
  });
}

const TOOL_CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } };

function sendCompletion(response: ServerResponse, call: UpstreamCall, answer: string): void {
  const tools = call.model === 'tools';
  const message = tools
    ? { role: 'assistant', content: null, tool_calls: [TOOL_CALL] }
    : { role: 'assistant', content: answer };
  const text = JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: call.model,
    choices: [{ index: 0, message, finish_reason: tools ? 'tool_calls' : 'stop' }],
    usage: USAGE,
  });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  if (call.model === 'cut' || call.model === 'cut-early') {
    response.write(text.slice(0, text.length / 2), () => response.destroy());
    return;
  }
  response.end(text);
}

async function sendStream(response: ServerResponse, call: UpstreamCall, answer: string): Promise<void> {
  const event = (value: unknown): boolean => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: call.model };
  const chunk = (delta: unknown, reason: string | null = null): boolean =>
    event({ ...head, choices: [{ index: 0, delta, finish_reason: reason }] });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (call.model === 'stall') {
    response.flushHeaders();
    return;
  }
  chunk({ role: 'assistant', content: '' });
  if (call.model === 'cut-early') {
    await sleep(20);
    response.destroy();
    return;
  }
  if (call.model === 'tools') {
    chunk({ tool_calls: [{ index: 0, ...TOOL_CALL, function: { name: 'weather', arguments: '' } }] });
    for (const piece of ['{"city"', ':"Paris"}']) chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
  } else {
    const [pieces, waitMs] = piecesOf(call.model, answer);
    for (const piece of pieces) {
      if (response.destroyed) return;
      const beside = call.model === 'usage-beside' ? { usage: USAGE } : {};
      event({ ...head, choices: [{ index: 0, delta: { content: piece }, finish_reason: null }], ...beside });
      await sleep(waitMs);
    }
  }
  if (call.model === 'cut') {
    response.destroy();
    return;
  }
  chunk({}, call.model === 'tools' ? 'tool_calls' : 'stop');
  const options = call.body['stream_options'] as { readonly include_usage?: boolean } | undefined;
  if (options?.include_usage === true) event({ ...head, choices: [], usage: USAGE });
  response.end('data: [DONE]\n\n');
}

function piecesOf(model: string, answer: string): readonly [pieces: readonly string[], waitMs: number] {
  if (model === 'drip') return [Array.from({ length: DRIP_PIECES }, (_, n) => `drop ${n} `), DRIP_MS];
  if (model === 'pour') return [Array.from({ length: 30 }, (_, n) => `drop ${n} `), DRIP_MS];
  return [answer.match(/.{1,8}/gsu) ?? [], 2];
}
