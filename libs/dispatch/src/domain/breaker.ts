export type BreakerState = 'closed' | 'open' | 'half_open';

/** Why calls wait: a rate limit with the wait that the provider named, one without, or a refused credential. */
export type WaitFor = 'told_rate_limit' | 'rate_limit' | 'refused';

const CONSECUTIVE_FAILURES = 5;
const WINDOW_CALLS_MIN = 20;
const WINDOW_BUCKETS = 6;
const BUCKET_MS = 10_000;
const OPEN_MS = 5_000;
const OPEN_MS_MAX = 60_000;
const JITTER = 0.2;

/**
 * Circuit breaker of one (provider, model, credential). It opens after five failures in a row, or when more than half
 * of at least 20 calls within 60 seconds failed; stays open 5 s, doubled each time up to 60 s; then lets one probe
 * through. Time comes from the caller, in monotonic milliseconds, and so does the jitter.
 */
export class Breaker {
  private state: BreakerState = 'closed';
  private openUntilMs = 0;
  private waitUntilMs = 0;
  private waitFor: WaitFor = 'refused';
  private probing = false;
  private consecutive = 0;
  private timesOpened = 0;
  private provedCalls = 0;
  private readonly calls = new Uint32Array(WINDOW_BUCKETS);
  private readonly failures = new Uint32Array(WINDOW_BUCKETS);
  private bucket = 0;

  /** May an ordinary call go out? Half-open says yes until its probe is taken. */
  allows(nowMs: number): boolean {
    if (this.waitUntilMs > nowMs) return false;
    return this.state === 'closed' || (!this.probing && nowMs >= this.openUntilMs);
  }

  /** Milliseconds until a call may go out; 0 when it may now. */
  blockedForMs(nowMs: number): number {
    const open = this.state === 'closed' ? 0 : Math.max(this.openUntilMs - nowMs, this.probing ? 1 : 0);
    return Math.max(0, open, this.waitUntilMs - nowMs);
  }

  /** Is a rate limit the only thing that holds calls back? */
  rateLimited(nowMs: number): boolean {
    return this.waitUntilMs > nowMs && this.waitFor !== 'refused' && this.state === 'closed';
  }

  /** Has the provider named a wait that is not over? Then not even a probe goes out. */
  mustWait(nowMs: number): boolean {
    return this.waitUntilMs > nowMs && this.waitFor === 'told_rate_limit';
  }

  /** Is the one probe under way? */
  get probeTaken(): boolean {
    return this.probing;
  }

  /** A call goes out. @returns whether it is the probe; handed back with the call's end. */
  begin(nowMs: number): boolean {
    if (this.state === 'closed' && this.waitUntilMs <= nowMs) return false;
    if (this.probing) return false;
    if (this.state === 'open' && nowMs >= this.openUntilMs) this.state = 'half_open';
    this.probing = true;
    return true;
  }

  /** The call worked, or failed by the client's own fault: the provider is well. */
  success(nowMs: number, probe: boolean): void {
    this.count(nowMs, false);
    this.consecutive = 0;
    if (probe) {
      this.probing = false;
      this.waitUntilMs = 0;
      this.state = 'closed';
      this.calls.fill(0);
      this.failures.fill(0);
      this.provedCalls = 0;
    } else if (this.timesOpened > 0 && this.state === 'closed') {
      // The wait starts small again only after more than a single good call.
      this.provedCalls += 1;
      if (this.provedCalls >= CONSECUTIVE_FAILURES) this.timesOpened = 0;
    }
  }

  /** @param random 0 ≤ x < 1, spreads the reopening of many gateways. */
  failure(nowMs: number, probe: boolean, random: number): void {
    this.count(nowMs, true);
    this.consecutive += 1;
    if (probe) this.probing = false;
    // A probe that was forced before its time, and stragglers from before, do not lengthen the wait.
    if (this.state === 'open') return;
    if ((this.state === 'half_open' && probe) || (this.state === 'closed' && this.mustOpen())) this.open(nowMs, random);
  }

  /** No calls for a while: the provider asked for it, or refuses this credential. Not counted as a failure. */
  wait(nowMs: number, probe: boolean, waitMs: number, waitFor: WaitFor): void {
    if (probe) this.probing = false;
    this.waitUntilMs = Math.max(this.waitUntilMs, nowMs + Math.min(waitMs, OPEN_MS_MAX));
    this.waitFor = waitFor;
    if (probe) this.state = 'closed';
  }

  /** The call ended without saying anything about the provider: the client left, or the log refused the intent. */
  release(probe: boolean): void {
    if (!probe) return;
    this.probing = false;
    if (this.state === 'half_open') this.state = 'open';
  }

  stateAt(nowMs: number): BreakerState {
    if (this.state === 'open' && nowMs >= this.openUntilMs) return 'half_open';
    return this.state;
  }

  private open(nowMs: number, random: number): void {
    const waitMs = Math.min(OPEN_MS_MAX, OPEN_MS * 2 ** this.timesOpened);
    this.timesOpened += 1;
    this.state = 'open';
    this.openUntilMs = nowMs + waitMs * (1 - JITTER + 2 * JITTER * random);
  }

  private mustOpen(): boolean {
    if (this.consecutive >= CONSECUTIVE_FAILURES) return true;
    let calls = 0;
    let failures = 0;
    for (let i = 0; i < WINDOW_BUCKETS; i += 1) {
      calls += this.calls[i]!;
      failures += this.failures[i]!;
    }
    return calls >= WINDOW_CALLS_MIN && failures * 2 > calls;
  }

  private count(nowMs: number, failed: boolean): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    for (let stale = Math.max(this.bucket + 1, bucket - WINDOW_BUCKETS + 1); stale <= bucket; stale += 1) {
      this.calls[stale % WINDOW_BUCKETS] = 0;
      this.failures[stale % WINDOW_BUCKETS] = 0;
    }
    this.bucket = Math.max(this.bucket, bucket);
    const slot = this.bucket % WINDOW_BUCKETS;
    this.calls[slot]! += 1;
    if (failed) this.failures[slot]! += 1;
  }
}
