import { LatencyWindow } from './latency-window.js';

/** Model names may come from clients, so there must be an end to what is remembered. */
const WINDOWS_MAX = 2_000;

/** Recent latencies of every (provider, model) that served. */
export class LatencyBook {
  private readonly providers = new Map<string, Map<string, LatencyWindow>>();

  add(provider: string, model: string, latencyMs: number): void {
    let models = this.providers.get(provider);
    if (models === undefined) {
      models = new Map();
      this.providers.set(provider, models);
    }
    let window = models.get(model);
    if (window === undefined) {
      if (models.size >= WINDOWS_MAX) models.delete(models.keys().next().value!);
      window = new LatencyWindow();
      models.set(model, window);
    }
    window.add(latencyMs);
  }

  /** Median in milliseconds of the last answers; `null` when there was none. */
  p50(provider: string, model: string): number | null {
    return this.providers.get(provider)?.get(model)?.p50() ?? null;
  }
}
