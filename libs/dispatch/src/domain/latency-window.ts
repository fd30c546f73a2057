const SAMPLES = 64;

/** The last latencies of one (provider, model), for the routing strategy `latency`. */
export class LatencyWindow {
  private readonly samples = new Float64Array(SAMPLES);
  private count = 0;

  add(latencyMs: number): void {
    this.samples[this.count % SAMPLES] = latencyMs;
    this.count += 1;
  }

  /** Median in milliseconds; `null` before the first sample. */
  p50(): number | null {
    const size = Math.min(this.count, SAMPLES);
    if (size === 0) return null;
    return this.samples.slice(0, size).sort()[Math.floor((size - 1) / 2)]!;
  }
}
