/** What one run of the open-loop client printed. */
export interface LoadResult {
  readonly offeredPerSecond: number;
  /** Answered whole within a second of when it was due. */
  readonly goodPerSecond: number;
  readonly acceptedMs: Quantiles;
  readonly refused: number;
  readonly refusedMs: Quantiles & { readonly max: number | null };
  /** Of those that were due after the first two seconds. */
  readonly refusedLaterMs: Quantiles & { readonly max: number | null };
  readonly withRetryAfter: number;
  /** Anything other than 200, 429 and 503, by its kind: a status, `closed`, `unanswered`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Share of its time for which the client itself was at work; near 1 it measures itself. */
  readonly clientBusy: number;
}

export interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface OverloadRow extends LoadResult {
  /** Times the peak. */
  readonly rate: number;
}

export interface OverloadGoals {
  /** Least goodput at the judged rate, as a share of the peak. */
  readonly goodputMin: number;
  /** Of those that were due after two seconds, by which a load has been told from a burst. */
  readonly refusalP99Ms: number;
}

/** Rate at which the goals are judged, times the peak. */
export const JUDGED_RATE = 1.5;
const CLIENT_BUSY_MAX = 0.8;

/** @returns each goal that was missed, in words; none when all were met. */
export function judgeOverload(
  peakPerSecond: number,
  rows: readonly OverloadRow[],
  goals: OverloadGoals,
): readonly string[] {
  const problems: string[] = [];
  const judged = rows.filter(({ rate }) => rate === JUDGED_RATE);
  if (judged.length === 0) problems.push(`nothing was measured at ${JUDGED_RATE} ×`);
  for (const row of judged) {
    const share = row.goodPerSecond / peakPerSecond;
    if (!(share >= goals.goodputMin))
      problems.push(`goodput at ${row.rate} × is ${Math.round(share * 100)} % of the peak`);
    if (row.refused === 0)
      problems.push(`nobody was refused at ${row.rate} ×, so the gateway was not overloaded or did not notice`);
    else if (!(Number(row.refusedLaterMs.p99) < goals.refusalP99Ms)) {
      problems.push(`refusals at ${row.rate} × take ${row.refusedLaterMs.p99} ms (p99)`);
    }
  }
  for (const row of rows) {
    if (row.withRetryAfter !== row.refused)
      problems.push(`${row.refused - row.withRetryAfter} refusals without retry-after at ${row.rate} ×`);
    for (const [kind, count] of Object.entries(row.errors)) problems.push(`${count} × ${kind} at ${row.rate} ×`);
    if (row.clientBusy > CLIENT_BUSY_MAX)
      problems.push(`the load client was busy itself at ${row.rate} ×: nothing is shown`);
  }
  return problems;
}
