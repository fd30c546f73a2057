import type { Logger } from '#telemetry/ports/logger.js';

const QUIET_MS = 60_000;

/** Counts every time, and logs the first time and then at most once a minute, with how often it was since. */
export class RareWarning {
  #count = 0;
  #told = 0;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs a monotonic clock. */
  constructor(
    private readonly logger: Logger,
    private readonly message: string,
    private readonly nowMs: () => number,
  ) {}

  /** Since the start of the process. */
  get count(): number {
    return this.#count;
  }

  note(fields: object = {}): void {
    this.#count += 1;
    const nowMs = this.nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + QUIET_MS;
    this.logger.warn({ ...fields, times: this.#count - this.#told }, this.message);
    this.#told = this.#count;
  }
}
