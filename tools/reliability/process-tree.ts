import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Memory of one process of the product, as Linux tells it. */
export interface ProcessUsage {
  readonly pid: number;
  /** What it is in the product: `gateway`, `ingester`, `sequencer`, `sql`, `shipper`, `supervisor`. */
  readonly role: string;
  readonly residentMb: number;
  /** Without pages of files. */
  readonly anonymousMb: number;
  readonly descriptors: number;
  readonly sockets: number;
  /** Descriptors of segment files of the log. */
  readonly segments: number;
}

const ROLES: readonly (readonly [RegExp, string])[] = [
  [/apps\/gateway\/src\/main\.js/, 'gateway'],
  [/receipt-ingester/, 'ingester'],
  [/sequencer-main/, 'sequencer'],
  [/sql-engine/, 'sql'],
  [/shipper-main/, 'shipper'],
  [/nextmodel\.mjs|apps\/cli/, 'supervisor'],
];

/** Also one that retention has deleted and somebody still holds. */
const SEGMENT = /\/\d+\.log( \(deleted\))?$/;

/** A process and all that it started. Empty where there is no `/proc`. */
export function processTree(root: number): readonly ProcessUsage[] {
  const parents = new Map<number, number>();
  for (const name of listed('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = text(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]);
    if (parent > 0) parents.set(Number(name), parent);
  }
  const wanted = [root];
  for (let at = 0; at < wanted.length; at += 1) {
    for (const [pid, parent] of parents) if (parent === wanted[at]) wanted.push(pid);
  }
  return wanted.filter((pid) => parents.has(pid)).map(usageOf);
}

function usageOf(pid: number): ProcessUsage {
  const command = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  const status = text(`/proc/${pid}/status`);
  const megabytes = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1_024) / 1e6;
  const descriptors = listed(`/proc/${pid}/fd`).map((descriptor) => linkOf(pid, descriptor));
  return {
    pid,
    role: ROLES.find(([pattern]) => pattern.test(command))?.[1] ?? 'other',
    residentMb: megabytes('VmRSS'),
    anonymousMb: megabytes('RssAnon'),
    descriptors: descriptors.length,
    sockets: descriptors.filter((file) => file.startsWith('socket:')).length,
    segments: descriptors.filter((file) => SEGMENT.test(file)).length,
  };
}

/** What a descriptor stands for; empty when it was closed since it was listed. */
function linkOf(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
