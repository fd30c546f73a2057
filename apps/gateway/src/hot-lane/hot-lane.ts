import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiKey } from '#access/ports/key-ring.js';
import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';
import type { Api } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { KeyLimits, LimitHeaders } from '../boot/key-limits.js';
import { completeRequest } from '../completions/complete-request.js';
import { toRouterError } from '../completions/to-router-error.js';
import type { CompletionParts } from '../completions/completion-parts.js';
import { readTags, readTraceId, type RequestContext } from '../completions/request-context.js';
import type { AddressLimit } from './address-limit.js';
import type { AdmissionDesk } from './admission.js';
import { ClientConnection } from './client-connection.js';
import { parseBody } from './parse-body.js';
import { PreparedRefusal } from './prepared-refusal.js';
import { readBody } from './read-body.js';
import type { UnreadAnswers } from './unread-answers.js';

const HOT_ROUTES: ReadonlyMap<string, Api> = new Map([
  ['/v1/chat/completions', 'chat.completions'],
  ['/v1/embeddings', 'embeddings'],
]);
const METHOD_NOT_ALLOWED = new PreparedRefusal(
  new RouterError({ code: 'method_not_allowed', publicMessage: 'Use POST.', httpStatus: 405 }),
  ['allow', 'POST'],
);
const NO_BODY = Buffer.alloc(0);

export interface LaneParts {
  readonly completion: CompletionParts;
  readonly admission: AdmissionDesk;
  readonly limits: KeyLimits;
  readonly bodyBytesMax: number;
  readonly unread: UnreadAnswers;
  /** `null` = no limit. */
  readonly addresses: AddressLimit | null;
  /** A bug, never a client's mistake. */
  readonly onBug: (error: unknown) => void;
}

/**
 * The request path, in front of Nest on the same server: no router, no pipes, no Observables. Everything that is not
 * one of its routes is left to Nest.
 */
export class HotLane {
  readonly #clients = new Set<ClientConnection>();

  constructor(private readonly parts: LaneParts) {}

  /** @returns false when the request is not for this lane. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const api = HOT_ROUTES.get(path.endsWith('/') ? path.slice(0, -1) : path);
    if (api === undefined) return false;
    const startedMonotonicMs = this.parts.completion.clock.monotonicMs();
    const requestId = singleHeader(request, 'x-request-id');
    const admitted = this.#admit(request);
    if (admitted instanceof PreparedRefusal) {
      admitted.send(response, requestId);
      discardBody(request);
      return true;
    }
    const client = new ClientConnection(response, requestId, this.parts.unread);
    this.#serve(api, request, admitted, client, startedMonotonicMs).catch((error: unknown) => {
      const shown = toRouterError(error);
      if (shown.code === 'internal') this.parts.onBug(error);
      client.fail(shown, []);
    });
    return true;
  }

  /** Ends every answer under way with the truth; used when the time for draining is over. */
  cutAll(): void {
    this.parts.completion.dispatcher.endDrains();
    for (const client of this.#clients) {
      client.cut(
        new RouterError({ code: 'shutting_down', publicMessage: 'This gateway is shutting down.', httpStatus: 503 }),
      );
    }
  }

  /** @returns the key of who has come in, and must leave again. */
  #admit(request: IncomingMessage): ApiKey | PreparedRefusal {
    const { admission } = this.parts;
    if (request.method !== 'POST') return METHOD_NOT_ALLOWED;
    const key = admission.authenticate(request.headers.authorization);
    return key instanceof PreparedRefusal ? key : (admission.enter() ?? key);
  }

  async #serve(
    api: Api,
    request: IncomingMessage,
    key: ApiKey,
    client: ClientConnection,
    startedMonotonicMs: number,
  ): Promise<void> {
    const { admission, completion } = this.parts;
    this.#clients.add(client);
    try {
      await completeRequest(completion, await this.#context(api, request, key, client, startedMonotonicMs), client);
    } finally {
      this.#clients.delete(client);
      admission.leave();
      discardBody(request);
    }
  }

  async #context(
    api: Api,
    request: IncomingMessage,
    key: ApiKey,
    client: ClientConnection,
    startedMonotonicMs: number,
  ): Promise<RequestContext> {
    const receiptId = this.parts.completion.clock.newReceiptId();
    const { rawBody, problem: refusal } = await this.#receive(request, key, receiptId, client);
    const { body, problem } = refusal === null ? parseBody(api, rawBody) : { body: null, problem: refusal };
    const headers = (name: string): string | undefined => singleHeader(request, name);
    return {
      receiptId,
      api,
      key,
      headers,
      body,
      problem,
      rawBody,
      acceptedMs: receiptTimeMs(receiptId),
      startedMonotonicMs,
      traceId: readTraceId(headers('traceparent'), receiptId),
      tags: readTags(headers('x-nextmodel-tags'), body),
    };
  }

  /** A refusal past authentication still gets a receipt, so it travels on as the request's problem. */
  async #receive(
    request: IncomingMessage,
    key: ApiKey,
    receiptId: ReceiptId,
    client: ClientConnection,
  ): Promise<{ readonly rawBody: Buffer; readonly problem: RouterError | null }> {
    try {
      const encoding = request.headers['content-encoding'];
      if (encoding !== undefined && encoding !== 'identity') throw unsupportedEncoding();
      const { addresses } = this.parts;
      if (addresses !== null) client.onClosed(addresses.enter(request));
      const admitted = this.parts.limits.admit(key, receiptId, Number(request.headers['content-length'] ?? 0));
      client.rateLimits = admitted instanceof Promise ? await admitted : (admitted satisfies LimitHeaders);
      return { rawBody: await readBody(request, this.parts.bodyBytesMax), problem: null };
    } catch (error) {
      if (error instanceof RouterError) return { rawBody: NO_BODY, problem: error };
      throw error;
    }
  }
}

function unsupportedEncoding(): RouterError {
  return new RouterError({
    code: 'invalid_request',
    publicMessage: 'Compressed request bodies are not supported; send the JSON as it is.',
    httpStatus: 415,
    param: 'content-encoding',
  });
}

/** An unread body would hold the connection. */
function discardBody(request: IncomingMessage): void {
  if (!request.complete) request.resume();
}

function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
