import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { RouterError, type RouterErrorCode } from '#events/domain/router-error.js';
import { toOpenAiError } from '#openai-wire/domain/openai-error.js';
import type { Logger } from '#telemetry/ports/logger.js';

interface Reply {
  status(code: number): Reply;
  headers(values: Readonly<Record<string, string>>): Reply;
  send(body: string): void;
}

/** Turns whatever a slow route throws into the one error shape of the HTTP surface. */
@Catch()
export class OpenAiErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const { method = '', url = '' } = host.switchToHttp().getRequest<{ method?: string; url?: string }>();
    const error = wrongMethod(thrown, method, url) ?? this.#toRouterError(thrown);
    const shown = toOpenAiError(error);
    host.switchToHttp().getResponse<Reply>().status(shown.status).headers(shown.headers).send(shown.body);
  }

  #toRouterError(thrown: unknown): RouterError {
    if (thrown instanceof RouterError) return thrown;
    if (thrown instanceof HttpException) return fromHttpException(thrown);
    this.logger.error({ err: thrown }, 'a slow route failed');
    return new RouterError({
      code: 'internal',
      publicMessage: 'The gateway failed to handle this request.',
      cause: thrown,
    });
  }
}

/** Routes of one method; another method on them is not an unknown route. */
const GET_ONLY = new Set(['/healthz', '/readyz', '/metrics', '/v1/models', '/v1/receipts', '/v1/generation']);

function wrongMethod(thrown: unknown, method: string, url: string): RouterError | null {
  if (!(thrown instanceof HttpException) || thrown.getStatus() !== 404 || method === 'GET' || method === 'HEAD')
    return null;
  if (!GET_ONLY.has(url.split('?')[0] ?? '')) return null;
  return new RouterError({ code: 'method_not_allowed', publicMessage: 'Use GET.', httpStatus: 405 });
}

const CODES: Readonly<Record<number, RouterErrorCode>> = {
  400: 'invalid_request',
  401: 'invalid_api_key',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'request_too_large',
};

function fromHttpException(exception: HttpException): RouterError {
  const httpStatus = exception.getStatus();
  const body = exception.getResponse();
  const listed = typeof body === 'object' ? (body as { message?: unknown }).message : body;
  const text = Array.isArray(listed) ? listed.join('; ') : String(listed ?? exception.message);
  return new RouterError({
    code: CODES[httpStatus] ?? (httpStatus < 500 ? 'invalid_request' : 'internal'),
    publicMessage: httpStatus === 404 ? 'This route does not exist.' : text,
    httpStatus,
  });
}
