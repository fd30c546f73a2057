import { RouterError } from '#events/domain/router-error.js';

const LENGTH_MAX = 255;
const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * What a client called its request: 1 to 255 printable ASCII characters.
 * @throws RouterError `invalid_request` (400) for anything else.
 */
export function readIdempotencyKey(header: string): string {
  if (header.length <= LENGTH_MAX && VISIBLE.test(header)) return header;
  throw new RouterError({
    code: 'invalid_request',
    publicMessage: `Header Idempotency-Key must have 1 to ${LENGTH_MAX} printable ASCII characters.`,
    httpStatus: 400,
    param: 'Idempotency-Key',
  });
}
