import type { Breaker } from './breaker.js';

/**
 * Why a target cannot be called now: its breaker is open or its probe is under way, its provider asked to wait, or
 * its credential was refused and rests.
 */
export type Obstacle = 'breaker_open' | 'rate_limited' | 'credential_rests';

/** @param own of the model; `undefined` = never called. @param credential of all models of the credential. */
export function obstacleOf(own: Breaker | undefined, credential: Breaker, nowMs: number): Obstacle | null {
  if (own === undefined || own.allows(nowMs)) return credential.allows(nowMs) ? null : 'credential_rests';
  if (own.stateAt(nowMs) !== 'closed') return 'breaker_open';
  return own.rateLimited(nowMs) && credential.allows(nowMs) ? 'rate_limited' : 'credential_rests';
}

const SEVERITY: readonly Obstacle[] = ['credential_rests', 'rate_limited', 'breaker_open'];

/** Of a target whose credentials are all held back: what says more about the provider. */
export const worse = (one: Obstacle | null, other: Obstacle): Obstacle =>
  one !== null && SEVERITY.indexOf(one) > SEVERITY.indexOf(other) ? one : other;
