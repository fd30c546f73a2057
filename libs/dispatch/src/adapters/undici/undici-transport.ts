import { Pool } from 'undici';
import type { UpstreamRequest } from '#providers/ports/provider-adapter.js';
import type { Credential, Provider } from '#providers/ports/provider-registry.js';
import type { UpstreamCallHandle, UpstreamHandler, UpstreamTransport } from '../../ports/upstream-transport.js';
import { UndiciCall } from './undici-call.js';

/** Idle connections are given up before most servers do, which spares resets on reuse. */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE_MS_MAX = 300_000;
const HEADER_BYTES_MAX = 32 * 1024;

interface Origin {
  readonly pool: Pool;
  /** Path of the base URL, put before every request's path. */
  readonly prefix: string;
}

/**
 * HTTP/1.1 over one undici pool for each base URL and connect timeout. Pools are unbounded: a limit would queue calls
 * where nobody sees them; admission is the gateway's matter.
 */
export class UndiciTransport implements UpstreamTransport {
  private readonly origins = new Map<string, Origin>();
  private readonly authorizations = new WeakMap<Credential, readonly string[]>();
  private closed = false;

  send(
    provider: Provider,
    credential: Credential,
    request: UpstreamRequest,
    connectTimeoutMs: number,
    handler: UpstreamHandler,
  ): UpstreamCallHandle {
    const call = new UndiciCall(handler);
    try {
      if (this.closed) throw new Error('the transport is closed');
      const origin = this.origin(provider.baseUrl, connectTimeoutMs);
      origin.pool.dispatch(
        {
          method: request.method,
          path: origin.prefix + request.path,
          headers: this.headers(provider, credential, request),
          body: request.body === '' ? null : request.body,
        },
        call,
      );
    } catch (error) {
      // The caller gets its handle before any callback, whatever happens.
      queueMicrotask(() => call.fail(error instanceof Error ? error : new Error(String(error))));
    }
    return call;
  }

  async close(): Promise<void> {
    this.closed = true;
    const pools = [...this.origins.values()];
    this.origins.clear();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  private origin(baseUrl: string, connectTimeoutMs: number): Origin {
    const key = `${connectTimeoutMs} ${baseUrl}`;
    let origin = this.origins.get(key);
    if (origin === undefined) {
      const url = new URL(baseUrl);
      origin = {
        pool: new Pool(url.origin, {
          connections: null,
          pipelining: 1,
          allowH2: false,
          connect: { timeout: connectTimeoutMs },
          headersTimeout: 0,
          bodyTimeout: 0,
          keepAliveTimeout: KEEP_ALIVE_MS,
          keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
          maxHeaderSize: HEADER_BYTES_MAX,
        }),
        prefix: url.pathname === '/' ? '' : url.pathname.replace(/\/$/, ''),
      };
      this.origins.set(key, origin);
    }
    return origin;
  }

  private headers(provider: Provider, credential: Credential, request: UpstreamRequest): string[] {
    const headers = ['accept-encoding', 'identity'];
    for (const name in request.headers) headers.push(name, request.headers[name]!);
    let authorization = this.authorizations.get(credential);
    if (authorization === undefined) {
      authorization =
        credential.apiKey === '' ? [] : Object.entries(provider.adapter.authorization(credential.apiKey)).flat();
      this.authorizations.set(credential, authorization);
    }
    headers.push(...authorization);
    return headers;
  }
}
