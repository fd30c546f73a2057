import type { UpstreamRequest } from '#providers/ports/provider-adapter.js';
import type { Credential, Provider } from '#providers/ports/provider-registry.js';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Called by the transport, in this order, on the event loop, never after `onError` or `onEnd`. */
export interface UpstreamHandler {
  onHeaders(status: number, headers: ResponseHeaders): void;
  /** @returns false to pause; the transport then waits for `resume`. */
  onData(chunk: Uint8Array): boolean;
  onEnd(): void;
  /** `phase` tells whether the request may have run: only `connect` surely did not. */
  onError(error: Error, phase: 'connect' | 'headers' | 'body'): void;
}

export interface UpstreamCallHandle {
  /** Idempotent. Closes the connection; no further callbacks. */
  abort(): void;
  resume(): void;
}

/** One HTTP exchange with a provider. Follows no redirect, retries nothing, has no timeouts but connect. */
export interface UpstreamTransport {
  send(
    provider: Provider,
    credential: Credential,
    request: UpstreamRequest,
    connectTimeoutMs: number,
    handler: UpstreamHandler,
  ): UpstreamCallHandle;
  close(): Promise<void>;
}
