import type { Dispatcher } from 'undici';
import type { UpstreamCallHandle, UpstreamHandler } from '../../ports/upstream-transport.js';

const ABORTED = new Error('aborted by the gateway');

/** One exchange: undici's handler on one side, the engine's handle on the other. */
export class UndiciCall implements Dispatcher.DispatchHandler, UpstreamCallHandle {
  private controller: Dispatcher.DispatchController | null = null;
  private phase: 'connect' | 'headers' | 'body' = 'connect';
  private over = false;

  constructor(private readonly handler: UpstreamHandler) {}

  /** The connection is there and the request is about to be written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Aborted while it waited for a connection: nothing was sent yet, and nothing will be.
    if (this.over) controller.abort(ABORTED);
    else this.phase = 'headers';
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.over || status < 200) return;
    this.phase = 'body';
    this.handler.onHeaders(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    if (!this.handler.onData(chunk) && !this.over) controller.pause();
  }

  onResponseEnd(): void {
    if (this.over) return;
    this.over = true;
    this.handler.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.handler.onError(error, this.phase);
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.controller?.abort(ABORTED);
  }

  resume(): void {
    if (!this.over) this.controller?.resume();
  }
}
