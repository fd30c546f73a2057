import type { IncomingMessage } from 'node:http';
import { RouterError } from '#events/domain/router-error.js';

/**
 * Collects a request body.
 * @throws RouterError `request_too_large` (413) as soon as the announced or the real size passes the limit;
 *   `client_closed` when the client leaves in the middle.
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
      reject(tooLarge(bytesMax));
      request.resume();
      return;
    }
    let first: Buffer | null = null;
    let rest: Buffer[] | null = null;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        request.removeAllListeners('data');
        request.resume();
        reject(tooLarge(bytesMax));
        return;
      }
      if (first === null) first = chunk;
      else (rest ??= [first]).push(chunk);
    });
    request.on('end', () => resolve(rest === null ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
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
