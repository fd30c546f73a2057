import type { UpstreamRequest } from '#providers/ports/provider-adapter.js';
import type { Credential, Provider } from '#providers/ports/provider-registry.js';
import type {
  ResponseHeaders,
  UpstreamCallHandle,
  UpstreamHandler,
  UpstreamTransport,
} from '../../ports/upstream-transport.js';

/** One step of an answer. Steps run in order, each in its own turn of the event loop. */
export type ScriptStep =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'headers'; readonly status: number; readonly headers?: ResponseHeaders }
  | { readonly do: 'data'; readonly bytes: string | Uint8Array }
  | { readonly do: 'end' }
  /** The phase follows from the steps before, unless it is given. */
  | { readonly do: 'fail'; readonly phase?: 'connect' | 'headers' | 'body' }
  /** Nothing more comes until the call is aborted. */
  | { readonly do: 'hang' };

/** A call that the transport was asked to make. */
export interface ScriptedCall {
  readonly provider: string;
  readonly credentialId: string;
  readonly request: UpstreamRequest;
  aborted: boolean;
  finished: boolean;
  /** Times that reading was paused. */
  pauses: number;
}

export type Script = (call: ScriptedCall, n: number) => readonly ScriptStep[];

const encoder = new TextEncoder();

/** Answers by script, in memory. For tests of the engine and for the contract of the port. */
export class ScriptedTransport implements UpstreamTransport {
  readonly calls: ScriptedCall[] = [];

  constructor(public script: Script) {}

  send(
    provider: Provider,
    credential: Credential,
    request: UpstreamRequest,
    _connectTimeoutMs: number,
    handler: UpstreamHandler,
  ): UpstreamCallHandle {
    const call: ScriptedCall = {
      provider: provider.name,
      credentialId: credential.id,
      request,
      aborted: false,
      finished: false,
      pauses: 0,
    };
    this.calls.push(call);
    return new ScriptedExchange(call, this.script(call, this.calls.length), handler);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class ScriptedExchange implements UpstreamCallHandle {
  private at = 0;
  private paused = false;
  private phase: 'connect' | 'headers' | 'body' = 'headers';
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: ScriptedCall,
    private readonly steps: readonly ScriptStep[],
    private readonly handler: UpstreamHandler,
  ) {
    this.schedule();
  }

  abort(): void {
    if (this.call.finished || this.call.aborted) return;
    this.call.aborted = true;
    clearTimeout(this.timer);
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.schedule();
  }

  private schedule(): void {
    setImmediate(() => this.step());
  }

  private step(): void {
    const step = this.steps[this.at];
    if (this.call.aborted || this.call.finished || this.paused || step === undefined) return;
    this.at += 1;
    switch (step.do) {
      case 'hang':
        return;
      case 'wait':
        this.timer = setTimeout(() => this.step(), step.ms);
        return;
      case 'headers':
        this.phase = 'body';
        this.handler.onHeaders(step.status, step.headers ?? {});
        break;
      case 'data': {
        const more = this.handler.onData(typeof step.bytes === 'string' ? encoder.encode(step.bytes) : step.bytes);
        if (!more && !this.call.aborted) {
          this.paused = true;
          this.call.pauses += 1;
          return;
        }
        break;
      }
      case 'end':
        this.call.finished = true;
        this.handler.onEnd();
        return;
      case 'fail':
        this.call.finished = true;
        this.handler.onError(new Error('scripted failure'), step.phase ?? this.phase);
        return;
    }
    this.schedule();
  }
}
