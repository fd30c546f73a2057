/** One sample of something that should not grow. */
export interface Sample {
  readonly atMinutes: number;
  readonly megabytes: number;
}

/** A straight line through the lowest sample of each window. */
export interface Trend {
  readonly windows: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly slopeMbPerMinute: number;
  /** Half of the 95 % interval of the slope; `null` with fewer than three windows. */
  readonly uncertainty: number | null;
}

/** Two-sided 95 % of Student's t for 1, 2, … degrees of freedom; 1.96 beyond. */
const STUDENT_95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12];

/**
 * Memory between two collections of garbage goes up and down by more than a leak adds in minutes. The lowest value of
 * a window is what was left after a collection, so the line goes through those.
 */
export function memoryTrend(samples: readonly Sample[], fromMinutes: number, windowMinutes: number): Trend {
  const lows = windowLows(samples, fromMinutes, windowMinutes);
  const count = lows.length;
  const meanX = lows.reduce((sum, low) => sum + low.atMinutes, 0) / count;
  const meanY = lows.reduce((sum, low) => sum + low.megabytes, 0) / count;
  let [xx, xy] = [0, 0];
  for (const { atMinutes, megabytes } of lows) {
    xx += (atMinutes - meanX) ** 2;
    xy += (atMinutes - meanX) * (megabytes - meanY);
  }
  const slope = xx === 0 ? 0 : xy / xx;
  let errors = 0;
  for (const { atMinutes, megabytes } of lows) errors += (megabytes - meanY - slope * (atMinutes - meanX)) ** 2;
  const freedom = count - 2;
  const uncertainty =
    freedom < 1 || xx === 0 ? null : (STUDENT_95[freedom - 1] ?? 1.96) * Math.sqrt(errors / freedom / xx);
  return {
    windows: count,
    firstMb: lows[0]?.megabytes ?? 0,
    lastMb: lows.at(-1)?.megabytes ?? 0,
    slopeMbPerMinute: slope,
    uncertainty,
  };
}

function windowLows(samples: readonly Sample[], fromMinutes: number, windowMinutes: number): readonly Sample[] {
  const lows = new Map<number, Sample>();
  for (const sample of samples) {
    if (sample.atMinutes < fromMinutes) continue;
    const window = Math.floor((sample.atMinutes - fromMinutes) / windowMinutes);
    const low = lows.get(window);
    if (low === undefined || sample.megabytes < low.megabytes) lows.set(window, sample);
  }
  return [...lows.values()];
}
