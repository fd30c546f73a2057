import { checkChatRequest } from '#openai-wire/domain/check-chat-request.js';
import { checkEmbeddingsRequest } from '#openai-wire/domain/check-embeddings-request.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import { estimateInputTokens } from '#openai-wire/domain/estimate-tokens.js';
import { SSE_DONE, SSE_HEADERS, sseEvent } from '#openai-wire/domain/sse-writer.js';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { demoBody, demoCompletion, demoDelayMs, demoPieces, type DemoHead } from './demo-chat.js';
import { demoEmbedding } from './demo-embedding.js';
import { DEMO_MODELS } from './demo-models.js';

/** The built-in provider while it runs. */
export interface DemoUpstream {
  /** `http://127.0.0.1:<port>/v1` */
  readonly baseUrl: string;
  /** Ends open streams as well. Idempotent. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Its models were made at one moment, so that a list of them never changes. */
const CREATED = 1_767_225_600;

/** Opens the demo on a free port of the loopback address. */
export async function openDemoServer(): Promise<DemoUpstream> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    answer(request, response, calls).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | null = null;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    close: () => {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, call: number): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const id = `demo-${call.toString().padStart(6, '0')}`;
  response.setHeader('x-request-id', `req_${id}`);
  if (request.method === 'GET' && path === '/v1/models') return json(response, 200, modelList());
  const chat = path === '/v1/chat/completions';
  if (request.method !== 'POST' || !(chat || path === '/v1/embeddings')) {
    return refuse(response, 404, `Unknown request URL: ${request.method} ${path}.`, null, 'unknown_url');
  }
  const body = await readJson(request);
  if (body === undefined) return refuse(response, 400, 'The body is no JSON.', null, 'invalid_json');
  const checked = chat ? checkChatRequest(body) : checkEmbeddingsRequest(body);
  if (!checked.ok) return refuse(response, 400, checked.message, checked.param, null);
  const { model } = checked.request;
  if (model === 'demo-failing') return refuse(response, 503, 'demo-failing always fails.', null, 'overloaded');
  if (!DEMO_MODELS.includes(model) || (model === 'demo-embed') === chat) {
    return refuse(response, 404, `The model ${model} does not exist here.`, 'model', 'model_not_found');
  }
  if (!chat) return json(response, 200, embeddings(checked.request as EmbeddingsRequest));
  const head: DemoHead = {
    id: `chatcmpl-${id}`,
    created: Math.floor(Date.now() / 1000),
    model,
    system_fingerprint: 'fp_demo',
    service_tier: 'default',
  };
  return chatAnswer(response, checked.request as ChatRequest, head);
}

async function chatAnswer(response: ServerResponse, body: ChatRequest, head: DemoHead): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const completion = demoCompletion(body);
  try {
    if (body.stream !== true) {
      await wait(demoDelayMs(body, completion), undefined, { signal: gone.signal });
      return json(response, 200, demoBody(head, completion));
    }
    response.writeHead(200, SSE_HEADERS);
    for (const { waitMs, data } of demoPieces(body, head, completion)) {
      if (waitMs > 0) await wait(waitMs, undefined, { signal: gone.signal });
      response.write(sseEvent(data));
    }
    response.end(SSE_DONE);
  } catch (error) {
    // Who asked has gone: nobody is left to be told.
    if (!gone.signal.aborted) throw error;
  }
}

function embeddings(body: EmbeddingsRequest): object {
  const { input } = body;
  const many = typeof input === 'string' || typeof input[0] === 'number' ? [input] : input;
  const dimensions = typeof body['dimensions'] === 'number' ? Math.min(4096, body['dimensions']) : undefined;
  const data = many.map((item, index) => {
    const text = typeof item === 'string' ? item : JSON.stringify(item);
    const vector = demoEmbedding(text, dimensions);
    const embedding =
      body['encoding_format'] === 'base64' ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
    return { object: 'embedding', index, embedding };
  });
  const tokens = estimateInputTokens(input);
  return { object: 'list', model: body.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function modelList(): object {
  const data = DEMO_MODELS.map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'nextmodel-demo' }));
  return { object: 'list', data };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return undefined;
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  param: string | null,
  code: string | null,
): void {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  json(response, status, { error: { message, type, param, code } });
}
