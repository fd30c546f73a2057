import type { AttemptFailure } from './attempt-failure.js';
import { Breaker, type BreakerState } from './breaker.js';
import { type Obstacle, obstacleOf } from './obstacle.js';

/** A refused or exhausted credential rests this long, unless the provider said more. */
const EJECTED_MS = 60_000;
/** A rate limit without a wait. */
const THROTTLED_MS = 1_000;
/** Model names may come from clients: beyond this the oldest lane that is well is forgotten. */
const LANES_PER_CREDENTIAL_MAX = 2_000;

/** One (provider, model, credential): where calls go, and what is known of how they end there. */
export interface Lane {
  readonly target: string;
  readonly own: Breaker;
  /** Shared by all models of the credential: a bad key is bad everywhere. */
  readonly credential: Breaker;
}

/** Handed from the begin of a call to its end. */
export interface LaneCall {
  readonly lane: Lane;
  readonly ownProbe: boolean;
  readonly credentialProbe: boolean;
}

interface CredentialLanes {
  readonly breaker: Breaker;
  readonly lanes: Map<string, Lane>;
}

/** All breakers of one process. Times are monotonic milliseconds. */
export class HealthBoard {
  private readonly credentials = new Map<string, CredentialLanes>();

  lane(provider: string, model: string, credentialId: string): Lane {
    let credential = this.credentials.get(credentialId);
    if (credential === undefined) {
      credential = { breaker: new Breaker(), lanes: new Map() };
      this.credentials.set(credentialId, credential);
    }
    let lane = credential.lanes.get(model);
    if (lane === undefined) {
      if (credential.lanes.size >= LANES_PER_CREDENTIAL_MAX) forgetOne(credential.lanes);
      lane = { target: `${provider}/${model} ${credentialId}`, own: new Breaker(), credential: credential.breaker };
      credential.lanes.set(model, lane);
    }
    return lane;
  }

  /** Why no call may go there now; `null` = it may. Looks only: nothing is kept of a target that was never called. */
  obstacle(model: string, credentialId: string, nowMs: number): Obstacle | null {
    const credential = this.credentials.get(credentialId);
    return credential === undefined ? null : obstacleOf(credential.lanes.get(model)?.own, credential.breaker, nowMs);
  }

  states(nowMs: number): { readonly target: string; readonly state: BreakerState; readonly openForMs: number }[] {
    return [...this.credentials.values()].flatMap(({ lanes }) =>
      [...lanes.values()].map((lane) => {
        const state = lane.own.stateAt(nowMs);
        const openForMs = Math.ceil(blockedForMs(lane, nowMs));
        return { target: lane.target, state: state === 'closed' && openForMs > 0 ? 'open' : state, openForMs };
      }),
    );
  }
}

export const allows = (lane: Lane, nowMs: number): boolean => lane.own.allows(nowMs) && lane.credential.allows(nowMs);

export const blockedForMs = (lane: Lane, nowMs: number): number =>
  Math.max(lane.own.blockedForMs(nowMs), lane.credential.blockedForMs(nowMs));

export const rateLimited = (lane: Lane, nowMs: number): boolean =>
  lane.own.rateLimited(nowMs) && lane.credential.allows(nowMs);

export const probeTaken = (lane: Lane): boolean => lane.own.probeTaken || lane.credential.probeTaken;

export function beginCall(lane: Lane, nowMs: number): LaneCall {
  return { lane, ownProbe: lane.own.begin(nowMs), credentialProbe: lane.credential.begin(nowMs) };
}

export function callWorked(call: LaneCall, nowMs: number): void {
  call.lane.own.success(nowMs, call.ownProbe);
  call.lane.credential.success(nowMs, call.credentialProbe);
}

/** The call ended without news about the provider. */
export function callReleased(call: LaneCall): void {
  call.lane.own.release(call.ownProbe);
  call.lane.credential.release(call.credentialProbe);
}

/**
 * @param httpStatus 403 is about one model or place, other refusals are about the whole credential.
 * @param random 0 ≤ x < 1.
 */
export function callFailed(
  call: LaneCall,
  failure: AttemptFailure,
  httpStatus: number,
  nowMs: number,
  random: number,
): void {
  const { own, credential } = call.lane;
  switch (failure.breaker) {
    case 'ignore':
      callWorked(call, nowMs);
      return;
    case 'failure':
      own.failure(nowMs, call.ownProbe, random);
      credential.release(call.credentialProbe);
      return;
    case 'throttle':
      if (failure.retryAfterMs === null) own.wait(nowMs, call.ownProbe, THROTTLED_MS, 'rate_limit');
      else own.wait(nowMs, call.ownProbe, failure.retryAfterMs, 'told_rate_limit');
      credential.release(call.credentialProbe);
      return;
    case 'eject_credential': {
      const waitMs = Math.max(EJECTED_MS, failure.retryAfterMs ?? 0);
      if (httpStatus === 403) {
        own.wait(nowMs, call.ownProbe, waitMs, 'refused');
        credential.release(call.credentialProbe);
      } else {
        own.release(call.ownProbe);
        credential.wait(nowMs, call.credentialProbe, waitMs, 'refused');
      }
    }
  }
}

/** The oldest that is well. While a provider fails, a client can break as many made-up names: then the oldest of all. */
function forgetOne(lanes: Map<string, Lane>): void {
  let oldest: string | null = null;
  for (const [model, lane] of lanes) {
    oldest ??= model;
    if (lane.own.stateAt(0) !== 'closed' || lane.own.probeTaken) continue;
    lanes.delete(model);
    return;
  }
  if (oldest !== null) lanes.delete(oldest);
}
