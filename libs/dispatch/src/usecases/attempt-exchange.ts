import type { UpstreamCallHandle } from '../ports/upstream-transport.js';
import type { AttemptDeps } from './attempt-deps.js';
import { ConnectionLinger } from './connection-linger.js';

/** The exchange on the wire under one attempt, which may last a moment longer than the attempt. */
export class AttemptExchange {
  private handle: UpstreamCallHandle | null = null;
  private linger: ConnectionLinger | null = null;
  private ended = false;

  constructor(private readonly deps: AttemptDeps) {}

  /** Something of the request may have reached the provider. */
  get sent(): boolean {
    return this.handle !== null;
  }

  begin(handle: UpstreamCallHandle): void {
    this.handle = handle;
  }

  resume(): void {
    this.handle?.resume();
  }

  /** Nothing more comes. */
  end(): void {
    this.ended = true;
    this.linger?.ended();
  }

  /** Bytes after the end of the attempt. */
  lateData(chunk: Uint8Array): void {
    this.linger?.data(chunk);
  }

  abort(): void {
    this.handle?.abort();
  }

  /** The attempt is over. @param abort else what is left is read for a moment, and the connection used again. */
  release(abort: boolean): void {
    if (this.ended || this.handle === null) return;
    if (abort) this.handle.abort();
    else this.linger = new ConnectionLinger(this.deps.timers, this.handle, this.deps.clock.monotonicMs());
  }
}
