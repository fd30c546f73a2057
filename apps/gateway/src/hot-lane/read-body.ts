import type { IncomingMessage } from 'node:http';
import { RouterError } from '#events/domain/router-error.js';

/** A client that is still sending when its connection closes loses the answer, so it is heard out, but not for longer. */
const HEAR_OUT_MS = 500;

/**
 * Collects a request body.
 * @throws RouterError `request_too_large` (413) when the announced or the real size passes the limit, at the end of the
 *   body or half a second later; nothing of it is kept. `client_closed` when the client leaves in the middle.
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => {
      const refused = (): void => {
        clearTimeout(timer);
        reject(tooLarge(bytesMax));
      };
      const timer = setTimeout(refused, HEAR_OUT_MS);
      request.once('end', refused);
      request.once('close', refused);
      request.once('error', refused);
      request.resume();
    };
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
      refuse();
      return;
    }
    let first: Buffer | null = null;
    let rest: Buffer[] | null = null;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        request.removeAllListeners('data');
        refuse();
        return;
      }
      if (first === null) first = chunk;
      else (rest ??= [first]).push(chunk);
    });
    request.on('end', () => {
      if (bytes <= bytesMax) resolve(rest === null ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest));
    });
    request.on('error', (cause) => reject(closed(cause)));
    request.on('close', () => {
      if (!request.complete) reject(closed(undefined));
    });
  });
}

function tooLarge(bytesMax: number): RouterError {
  return new RouterError({
    code: 'request_too_large',
    publicMessage: `The request body is larger than ${bytesMax} bytes.`,
    httpStatus: 413,
  });
}

function closed(cause: unknown): RouterError {
  return new RouterError({
    code: 'client_closed',
    publicMessage: 'The connection was closed before the request was complete.',
    httpStatus: 400,
    cause,
  });
}
