import type { Clock } from '#events/ports/clock.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { RoutePlan, Target } from '#routing/domain/route-plan.js';
import { UndiciTransport } from './adapters/undici/undici-transport.js';
import { HealthBoard } from './domain/health-board.js';
import { HedgeBook } from './domain/hedge-book.js';
import { LatencyBook } from './domain/latency-book.js';
import { KEY_BUDGET, RetryBudgets } from './domain/retry-budget.js';
import type { Dispatcher } from './ports/dispatcher.js';
import type { UpstreamTransport } from './ports/upstream-transport.js';
import { AttemptTimers } from './usecases/attempt-timers.js';
import { RequestDispatcher } from './usecases/request-dispatcher.js';
import { TargetChooser } from './usecases/target-choice.js';
import { UsageDrains } from './usecases/usage-drains.js';

export interface DispatcherOptions {
  readonly registry: ProviderRegistry;
  readonly transport: UpstreamTransport;
  readonly clock: Clock;
  /** Spreads waits; 0 ≤ x < 1. Default: `Math.random`. */
  readonly random?: () => number;
  /**
   * Context window of a target of a plan in tokens, `null` when not known. Without it, or without a known and larger window, a
   * request that is too long for its target is not sent elsewhere.
   */
  readonly contextWindow?: (plan: RoutePlan, target: Target) => number | null;
  /** A client that takes nothing for so long is given up, and its upstream call with it. Default: 30,000. */
  readonly slowReaderMs?: number;
  /**
   * How long a provider that bills in any case (`cancels: false`) is read on after its client left, to learn the usage.
   * 0 = not at all. Default: 30,000.
   */
  readonly drainMs?: number;
}

/** The attempt engine. Keeps breakers, budgets and latencies in memory: one for each process. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { registry, transport, clock } = options;
  const board = new HealthBoard();
  return new RequestDispatcher(
    {
      transport,
      clock,
      timers: new AttemptTimers(clock),
      chooser: new TargetChooser(registry, board),
      budgets: new RetryBudgets(),
      keyBudgets: new RetryBudgets(KEY_BUDGET),
      hedges: new HedgeBook(),
      drains: new UsageDrains(options.drainMs ?? 30_000),
      latencies: new LatencyBook(),
      slowReaderMs: options.slowReaderMs ?? 30_000,
      random: options.random ?? Math.random,
      contextWindow: options.contextWindow ?? (() => null),
    },
    board,
  );
}

/** HTTP to the providers. Close it when no request is under way any more: what is still open is cut. */
export function createUndiciTransport(): UpstreamTransport {
  return new UndiciTransport();
}
