import { RouterError } from '#events/domain/router-error.js';

/** Anything thrown that is no `RouterError` is a bug; the client learns nothing of it. */
export function toRouterError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  return new RouterError({
    code: 'internal',
    publicMessage: 'The gateway failed to handle this request.',
    httpStatus: 500,
    cause: error,
  });
}
