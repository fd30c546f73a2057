import type { ProcessUsage } from './process-tree.js';

type Descriptors = Pick<ProcessUsage, 'role' | 'descriptors' | 'segments'>;

/** What a process may have open at the end beyond the beginning, segments apart. */
const LEFT_MAX = 5;
/** A reader keeps this many segments of a partition open (`segment-store.ts`). */
const SEGMENTS_OF_READER_MAX = 8;
/** Each of them has one reader of one partition; the gateway also writes, and holds two segments while it changes. */
const SEGMENTS_MAX: Readonly<Record<string, number>> = {
  gateway: SEGMENTS_OF_READER_MAX + 2,
  ingester: SEGMENTS_OF_READER_MAX,
  sequencer: SEGMENTS_OF_READER_MAX,
  shipper: SEGMENTS_OF_READER_MAX,
};

export interface DescriptorJudgement {
  /** Of each role: descriptors without segments first and last, and the most segments that were open at once. */
  readonly byRole: Readonly<Record<string, { before: number; after: number; segmentsMost: number }>>;
  readonly problems: readonly string[];
}

/**
 * Does a process leave files or sockets open? A reader keeps the last segments that it has read open, so their number
 * grows with the log until its limit is reached and no further: they are held against that limit, everything else
 * against the beginning. The SQL engine keeps the files of its parts open, which follow its merges: it is not judged.
 * @param samples of all processes, taken all the time.
 */
export function judgeDescriptors(
  before: readonly Descriptors[],
  samples: readonly Descriptors[],
  after: readonly Descriptors[],
): DescriptorJudgement {
  const byRole: Record<string, { before: number; after: number; segmentsMost: number }> = {};
  const problems: string[] = [];
  const others = (usage: Descriptors | undefined): number => (usage?.descriptors ?? 0) - (usage?.segments ?? 0);
  for (const last of after) {
    const { role } = last;
    const first = before.find((usage) => usage.role === role);
    const segmentsMost = samples.reduce(
      (most, usage) => (usage.role === role ? Math.max(most, usage.segments) : most),
      last.segments,
    );
    byRole[role] = { before: others(first), after: others(last), segmentsMost };
    if (role === 'sql') continue;
    const left = others(last) - others(first);
    if (left > LEFT_MAX) problems.push(`${role} has ${left} more descriptors open than at the beginning`);
    const segmentsMax = SEGMENTS_MAX[role] ?? 0;
    if (segmentsMost > segmentsMax)
      problems.push(`${role} had ${segmentsMost} segments open, ${segmentsMax} are allowed`);
  }
  return { byRole, problems };
}
