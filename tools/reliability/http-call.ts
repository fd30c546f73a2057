import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { CLIENT_KEY } from './gateway-process.js';

export interface CallOptions {
  readonly stream?: boolean;
  /** Members of the body beside model, stream and messages. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Sent as it is instead of a body of ours. */
  readonly rawBody?: string | Uint8Array;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  /** The caller leaves so long after the request was sent. */
  readonly leaveAfterMs?: number;
  /** The caller leaves at the first byte of the answer. */
  readonly leaveAtFirstByte?: boolean;
  /** Default 15 s; then the call counts as hung. */
  readonly deadlineMs?: number;
  readonly agent?: Agent | false;
  readonly id?: string;
}

/** What a caller saw of one call. */
export interface CallResult {
  readonly id: string;
  /** 0 = no status line came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Transport error that the caller saw. */
  readonly error: string | null;
  readonly hung: boolean;
  /** The answer was complete as HTTP. */
  readonly whole: boolean;
  readonly firstByteMs: number | null;
  readonly tookMs: number;
  /** When the caller left on purpose, as epoch milliseconds; `null` when it stayed. */
  readonly leftAtMs: number | null;
}

let sequence = 0;
const RUN = `${process.pid.toString(36)}${Date.now().toString(36).slice(-4)}`;

/** An id that the upstream finds again in the question; unique over processes. */
export const newId = (): string => `q${RUN}_${(sequence += 1)}`;

/** Sends one chat call. Never rejects: what went wrong is in the result. */
export function callGateway(baseUrl: string, model: string, options: CallOptions = {}): Promise<CallResult> {
  const id = options.id ?? newId();
  const method = options.method ?? 'POST';
  const ours = {
    model,
    stream: options.stream ?? false,
    messages: [{ role: 'user', content: `T${id} hello` }],
    ...options.extra,
  };
  const body = options.rawBody ?? (method === 'GET' ? null : JSON.stringify(ours));
  const startedMs = performance.now();
  return new Promise((resolve) => {
    let [status, error, hung, whole, firstByteMs]: [number, string | null, boolean, boolean, number | null] = [
      0,
      null,
      false,
      false,
      null,
    ];
    let headers: IncomingHttpHeaders = {};
    let leftAtMs: number | null = null;
    const leave = (): void => {
      leftAtMs ??= Date.now();
      request.destroy();
    };
    let done = false;
    const parts: Buffer[] = [];
    const finish = (): void => {
      if (done) return;
      done = true;
      clearTimeout(deadline);
      clearTimeout(leaving);
      const tookMs = performance.now() - startedMs;
      resolve({ id, status, headers, body: Buffer.concat(parts), error, hung, whole, firstByteMs, tookMs, leftAtMs });
    };
    const request = httpRequest(
      `${baseUrl}${options.path ?? '/chat/completions'}`,
      {
        method,
        agent: options.agent ?? false,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${options.key ?? CLIENT_KEY}`,
          ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...options.headers,
        },
      },
      (response) => {
        status = response.statusCode ?? 0;
        headers = response.headers;
        response.on('data', (part: Buffer) => {
          firstByteMs ??= performance.now() - startedMs;
          parts.push(part);
          if (options.leaveAtFirstByte === true) leave();
        });
        response.on('end', () => {
          whole = response.complete;
          finish();
        });
        response.on('error', (cause: NodeJS.ErrnoException) => {
          error ??= cause.code ?? cause.message;
          finish();
        });
        response.on('close', finish);
      },
    );
    const deadline = setTimeout(() => {
      hung = true;
      request.destroy();
      finish();
    }, options.deadlineMs ?? 15_000);
    const leaving = options.leaveAfterMs === undefined ? undefined : setTimeout(leave, options.leaveAfterMs);
    request.on('error', (cause: NodeJS.ErrnoException) => {
      error ??= cause.code ?? cause.message;
      finish();
    });
    request.on('close', finish);
    if (body !== null) request.write(body);
    request.end();
  });
}

/** Is it an error in OpenAI's shape, all four members there? */
export function openAiError(
  body: Buffer,
): { readonly code: string | null; readonly type: string; readonly message: string } | null {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: Record<string, unknown> };
    if (error === undefined || typeof error['message'] !== 'string') return null;
    if (!('type' in error) || !('param' in error) || !('code' in error)) return null;
    return error as { code: string | null; type: string; message: string };
  } catch {
    return null;
  }
}

/** What a careful client makes of a stream. */
export interface ReadStream {
  readonly events: number;
  readonly text: string;
  readonly finishReason: string | null;
  readonly usageTokens: number | null;
  readonly doneCount: number;
  readonly errorFrames: number;
  readonly unparsable: number;
  readonly afterDone: number;
  /** The last event had no blank line behind it. */
  readonly dangling: boolean;
}

interface Chunk {
  readonly error?: unknown;
  readonly usage?: { readonly total_tokens?: number } | null;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
}

/** Reads SSE as the standard says, with a parser that shares nothing with the product's. */
export function readStream(body: Buffer): ReadStream {
  const { events, dangling } = sseData(body.toString('utf8'));
  let [text, finishReason, usageTokens, doneCount, errorFrames, unparsable, afterDone]: [
    string,
    string | null,
    number | null,
    number,
    number,
    number,
    number,
  ] = ['', null, null, 0, 0, 0, 0];
  for (const data of events) {
    if (data === '[DONE]') {
      doneCount += 1;
      continue;
    }
    if (doneCount > 0) afterDone += 1;
    let chunk: Chunk;
    try {
      chunk = JSON.parse(data) as Chunk;
    } catch {
      unparsable += 1;
      continue;
    }
    if (chunk.error !== undefined) errorFrames += 1;
    usageTokens = chunk.usage?.total_tokens ?? usageTokens;
    const choice = chunk.choices?.[0];
    text += choice?.delta?.content ?? '';
    finishReason = choice?.finish_reason ?? finishReason;
  }
  return {
    events: events.length,
    text,
    finishReason,
    usageTokens,
    doneCount,
    errorFrames,
    unparsable,
    afterDone,
    dangling,
  };
}

function sseData(text: string): { readonly events: readonly string[]; readonly dangling: boolean } {
  const events: string[] = [];
  let data: string[] | null = null;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (data !== null) events.push(data.join('\n'));
      data = null;
    } else if (line.startsWith('data:')) (data ??= []).push(line.slice(5).replace(/^ /, ''));
  }
  return { events, dangling: data !== null };
}
