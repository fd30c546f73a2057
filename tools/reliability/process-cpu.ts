import { readFileSync } from 'node:fs';

/** Of the kernel's clock for processor times. */
const TICKS_PER_SECOND = 100;

/** User and system seconds of a process so far, all threads; `NaN` where there is no /proc. */
export function cpuSeconds(pid: number | undefined): number {
  if (process.platform !== 'linux') return NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
