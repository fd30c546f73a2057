import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RouterError } from '#events/domain/router-error.js';
import { toOpenAiError } from '#openai-wire/domain/openai-error.js';
import { PreparedRefusal } from './hot-lane/prepared-refusal.js';

const HEADERS_MAX = 100;
const URL_CHARS_MAX = 2_048;
/** The body is not read. */
const CLOSE = ['connection', 'close'];
const LONG_ADDRESS = new PreparedRefusal(
  refusal('request_too_large', `The address is longer than ${URL_CHARS_MAX} characters.`, 414),
  CLOSE,
);
const MANY_HEADERS = new PreparedRefusal(
  refusal('request_too_large', `There are more than ${HEADERS_MAX} headers.`, 431),
  CLOSE,
);

export interface ClientTimes {
  /** For the header block. */
  readonly headersMs: number;
  /** For the whole request. */
  readonly requestMs: number;
}

/** What bounds a connection before it is a request; see docs/reliability.md. */
export function serverLimits({ headersMs, requestMs }: ClientTimes) {
  return {
    maxHeaderSize: 16 * 1024,
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs,
    // Node looks for late ones so often; its own half a minute would make the limits longer than they say.
    connectionsCheckingInterval: Math.max(50, Math.min(2_000, headersMs / 2)),
    keepAliveTimeout: 65_000,
    noDelay: true,
  } as const;
}

/** Beyond its limits Node forgets headers without a word and closes connections without JSON. Here both are told. */
export function refuseInJson(server: Server): void {
  server.maxHeadersCount = HEADERS_MAX + 1;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse };
    if (socket.writable && answer?.headersSent !== true) socket.write(rawAnswer(ofParser(error.code)));
    socket.destroySoon();
  });
}

/** @returns true when the request was refused. Before a key is known, so without a receipt. */
export function refusedAtTheDoor(request: IncomingMessage, response: ServerResponse): boolean {
  const refused =
    (request.url?.length ?? 0) > URL_CHARS_MAX
      ? LONG_ADDRESS
      : request.rawHeaders.length > 2 * HEADERS_MAX
        ? MANY_HEADERS
        : null;
  if (refused === null) return false;
  refused.send(response, undefined);
  return true;
}

function ofParser(code: string | undefined): RouterError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusal('request_too_large', 'The header block is larger than 16 KiB.', 431);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return refusal('request_too_large', 'The extensions of the chunks are too large.', 413);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal('invalid_request', 'The request did not come in time.', 408);
    default:
      return refusal('invalid_request', 'This is no HTTP request that can be read.', 400);
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
};

function rawAnswer(error: RouterError): string {
  const { status, headers, body } = toOpenAiError(error);
  const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`;
}

function refusal(
  code: 'invalid_request' | 'request_too_large',
  publicMessage: string,
  httpStatus: number,
): RouterError {
  return new RouterError({ code, publicMessage, httpStatus });
}
