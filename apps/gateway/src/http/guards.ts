import { createHash, timingSafeEqual } from 'node:crypto';
import { createParamDecorator, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { ApiKey } from '#access/ports/key-ring.js';
import { RouterError } from '#events/domain/router-error.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';
import { WrongCredentials } from './wrong-credentials.js';

interface SlowRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  apiKey?: ApiKey;
}

function bearerOf(request: SlowRequest): string {
  const { authorization } = request.headers;
  return authorization?.startsWith('Bearer ') === true ? authorization.slice(7).trim() : '';
}

/** A virtual key, checked by the same ring as on the request path. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<SlowRequest>();
    const bearer = bearerOf(request);
    const key = bearer === '' ? null : this.parts.keys.authenticate(bearer);
    if (key === null) {
      throw new RouterError({ code: 'invalid_api_key', publicMessage: 'Incorrect API key provided.', httpStatus: 401 });
    }
    request.apiKey = key;
    return true;
  }
}

/**
 * The admin token; a virtual key never opens an admin route. Wrong ones are told to wait from the eleventh of a minute
 * on; the right one is never refused, whatever others send.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  readonly #digest: Buffer;
  readonly #wrong = new WrongCredentials(() => performance.now());

  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {
    this.#digest = digest(parts.adminToken);
  }

  canActivate(context: ExecutionContext): boolean {
    const bearer = bearerOf(context.switchToHttp().getRequest<SlowRequest>());
    if (timingSafeEqual(digest(bearer), this.#digest)) return true;
    if (bearer !== '') {
      this.parts.onWrongAdminCredential();
      const retryAfterMs = this.#wrong.add();
      if (retryAfterMs > 0) throw tooManyWrong(retryAfterMs);
    }
    throw new RouterError({
      code: 'invalid_api_key',
      publicMessage: 'This route needs the admin token.',
      httpStatus: 401,
    });
  }
}

/** The key that `ApiKeyGuard` has let in. */
export const CallerKey = createParamDecorator((_data: unknown, context: ExecutionContext): ApiKey => {
  const { apiKey } = context.switchToHttp().getRequest<SlowRequest>();
  if (apiKey === undefined) throw new Error('CallerKey without ApiKeyGuard');
  return apiKey;
});

function tooManyWrong(retryAfterMs: number): RouterError {
  return new RouterError({
    code: 'rate_limit_exceeded',
    publicMessage: 'Too many wrong admin credentials. The right one is taken at any time.',
    httpStatus: 429,
    type: 'rate_limit_error',
    retryAfterMs,
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
