import type { Credential, Provider, ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { Target } from '#routing/domain/route-plan.js';
import { allows, blockedForMs, type HealthBoard, type Lane, probeTaken, rateLimited } from '../domain/health-board.js';
import { type Obstacle, worse } from '../domain/obstacle.js';

/** Where a call may go now. */
export interface Choice {
  readonly index: number;
  readonly provider: Provider;
  readonly credential: Credential;
  readonly lane: Lane;
}

/** Nothing may be called: for how long, and is it only for rate limits? */
export interface Blocked {
  readonly retryAfterMs: number;
  readonly throttled: boolean;
}

/** Wait that is told when a probe is under way or nothing is known. */
const RETRY_AFTER_MS_MIN = 1_000;

/** Picks providers, credentials and breakers for the targets of a plan. */
export class TargetChooser {
  private readonly rotation = new Map<string, number>();
  private readonly keyless = new WeakMap<Provider, readonly Credential[]>();

  constructor(
    private readonly registry: ProviderRegistry,
    private readonly board: HealthBoard,
  ) {}

  /** A credential of this target whose breaker lets a call through; credentials take turns. */
  pick(targets: readonly Target[], index: number, nowMs: number): Choice | null {
    const target = targets[index]!;
    const provider = this.registry.get(target.provider);
    if (provider === undefined) return null;
    const credentials = this.credentialsOf(provider);
    const count = credentials.length;
    const start = count === 1 ? 0 : this.turn(provider.name, count);
    for (let at = 0; at < count; at += 1) {
      const credential = credentials[(start + at) % count]!;
      const lane = this.board.lane(provider.name, target.model, credential.id);
      if (allows(lane, nowMs)) return { index, provider, credential, lane };
    }
    return null;
  }

  /** First target in order that `wanted` accepts and that may be called now. */
  first(targets: readonly Target[], nowMs: number, wanted: (index: number) => boolean): Choice | null {
    for (let index = 0; index < targets.length; index += 1) {
      if (!wanted(index)) continue;
      const choice = this.pick(targets, index, nowMs);
      if (choice !== null) return choice;
    }
    return null;
  }

  /**
   * When every target is cut off, the one that is nearest to its return gets a probe, one at a time: nobody else would
   * find out that it is well again. All others are told to wait, and so is everyone where the provider named the wait.
   */
  leastBad(targets: readonly Target[], nowMs: number): Choice | Blocked {
    let best: Choice | null = null;
    let bestMs = Number.POSITIVE_INFINITY;
    let soonestMs = Number.POSITIVE_INFINITY;
    let throttled = true;
    for (const [index, target] of targets.entries()) {
      const provider = this.registry.get(target.provider);
      if (provider === undefined) continue;
      for (const credential of this.credentialsOf(provider)) {
        const lane = this.board.lane(provider.name, target.model, credential.id);
        const waitMs = blockedForMs(lane, nowMs);
        throttled &&= rateLimited(lane, nowMs);
        soonestMs = Math.min(soonestMs, waitMs);
        if (waitMs >= bestMs || lane.own.mustWait(nowMs)) continue;
        bestMs = waitMs;
        best = { index, provider, credential, lane };
      }
    }
    if (best !== null && !probeTaken(best.lane)) return best;
    const known = soonestMs < Number.POSITIVE_INFINITY;
    return {
      retryAfterMs: known ? Math.max(RETRY_AFTER_MS_MIN, soonestMs) : RETRY_AFTER_MS_MIN,
      throttled: throttled && known,
    };
  }

  /**
   * Which of the targets cannot be called now, by their index; the one that was chosen is called.
   * @returns `null` for the usual case: none.
   */
  obstacles(targets: readonly Target[], chosen: number | null, nowMs: number): readonly (Obstacle | null)[] | null {
    let all: (Obstacle | null)[] | null = null;
    for (let index = 0; index < targets.length; index += 1) {
      if (index === chosen) continue;
      const obstacle = this.obstacle(targets[index]!, nowMs);
      if (obstacle !== null) (all ??= targets.map(() => null))[index] = obstacle;
    }
    return all;
  }

  private obstacle(target: Target, nowMs: number): Obstacle | null {
    const provider = this.registry.get(target.provider);
    if (provider === undefined) return null;
    let worst: Obstacle | null = null;
    for (const credential of this.credentialsOf(provider)) {
      const obstacle = this.board.obstacle(target.model, credential.id, nowMs);
      if (obstacle === null) return null;
      worst = worse(worst, obstacle);
    }
    return worst;
  }

  private turn(provider: string, count: number): number {
    const turn = this.rotation.get(provider) ?? 0;
    this.rotation.set(provider, (turn + 1) % count);
    return turn % count;
  }

  private credentialsOf(provider: Provider): readonly Credential[] {
    if (provider.credentials.length > 0) return provider.credentials;
    let keyless = this.keyless.get(provider);
    if (keyless === undefined) {
      keyless = [{ id: `${provider.name}/none`, apiKey: '' }];
      this.keyless.set(provider, keyless);
    }
    return keyless;
  }
}
