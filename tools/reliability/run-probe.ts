import { CHECKS, type Check, type ProbeTarget } from './probe-checks.js';

export interface Verdict {
  readonly name: string;
  /** What is wrong; `null` = passed. */
  readonly problem: string | null;
  readonly tookMs: number;
}

/** Runs checks one after the other, so that no check is judged by the load of another. */
export async function runProbe(
  target: ProbeTarget,
  onVerdict: (verdict: Verdict) => void = () => {},
  checks: readonly Check[] = CHECKS,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { name, run } of checks) {
    const startedMs = performance.now();
    const problem = await run(target).catch((error: unknown) => `the probe failed: ${String(error)}`);
    const verdict = { name, problem, tookMs: Math.round(performance.now() - startedMs) };
    verdicts.push(verdict);
    onVerdict(verdict);
  }
  return verdicts;
}
