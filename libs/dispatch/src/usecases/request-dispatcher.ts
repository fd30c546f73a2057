import type { AnswerSink, AttemptRecorder, Dispatcher, DispatchRequest, DispatchResult } from '../ports/dispatcher.js';
import type { Target } from '#routing/domain/route-plan.js';
import type { HealthBoard } from '../domain/health-board.js';
import type { DispatchDeps } from './dispatch-deps.js';
import { Dispatch } from './dispatch-request.js';

/** The dispatcher of one process: what all requests share, and a `Dispatch` for each of them. */
export class RequestDispatcher implements Dispatcher {
  private underWay = 0;

  constructor(
    private readonly deps: DispatchDeps,
    private readonly board: HealthBoard,
  ) {}

  dispatch(
    request: DispatchRequest,
    sink: AnswerSink,
    recorder: AttemptRecorder,
    signal: AbortSignal,
  ): Promise<DispatchResult> {
    this.underWay += 1;
    return new Promise((resolve) => {
      new Dispatch(this.deps, request, sink, recorder, signal, (result) => {
        this.underWay -= 1;
        resolve(result);
      }).start();
    });
  }

  breakers(): ReturnType<Dispatcher['breakers']> {
    return this.board.states(this.deps.clock.monotonicMs());
  }

  obstacles(targets: readonly Target[]): ReturnType<Dispatcher['obstacles']> {
    return this.deps.chooser.obstacles(targets, null, this.deps.clock.monotonicMs());
  }

  get inFlight(): number {
    return this.underWay;
  }

  endDrains(): void {
    this.deps.drains.endAll();
  }

  latencyMsP50(provider: string, model: string): number | null {
    return this.deps.latencies.p50(provider, model);
  }
}
