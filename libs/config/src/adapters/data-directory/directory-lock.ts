import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, rename, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { RouterError } from '#events/domain/router-error.js';
import { createFile } from './atomic-file.js';

const BEAT_MS = 5000;
/** A lock of another machine or container cannot be asked about its process: it lives while it is touched. */
const FOREIGN_STALE_MS = 30_000;

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Start of the process in the kernel's own ticks, so that a reused pid is not taken for the owner. */
  readonly startTicks: string;
}

/** Held until released; the process's death releases it too. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the lock file, or takes over one whose owner is dead.
 * @throws RouterError `data_directory_owned` naming the pid while the owner lives; the caller exits with 69.
 */
export async function lockDirectory(lockPath: string): Promise<DirectoryLock> {
  const self: Owner = { pid: process.pid, host: hostname(), startTicks: startTicks(process.pid) };
  const text = `${JSON.stringify({ ...self, nonce: randomBytes(8).toString('hex') })}\n`;
  for (let round = 0; round < 5; round += 1) {
    if (await createFile(lockPath, text)) return hold(lockPath, text);
    const found = await readFile(lockPath, 'utf8').catch(() => null);
    if (found === null) continue;
    const owner = parseOwner(found);
    if (owner !== null && (await lives(owner, lockPath))) throw owned(lockPath, owner);
    await moveAside(lockPath, found);
  }
  throw owned(lockPath, parseOwner(await readFile(lockPath, 'utf8').catch(() => '')));
}

/** Pid of the living owner; `null` when nobody holds the lock. */
export async function lockOwner(lockPath: string): Promise<number | null> {
  const owner = parseOwner(await readFile(lockPath, 'utf8').catch(() => ''));
  return owner !== null && (await lives(owner, lockPath)) ? owner.pid : null;
}

function hold(lockPath: string, text: string): DirectoryLock {
  const beat = setInterval(() => {
    const now = new Date();
    utimes(lockPath, now, now).catch(() => {});
  }, BEAT_MS);
  beat.unref();
  let released = false;
  return {
    async release(): Promise<void> {
      if (released) return;
      released = true;
      clearInterval(beat);
      const found = await readFile(lockPath, 'utf8').catch(() => null);
      if (found === text) await unlink(lockPath).catch(() => {});
    },
  };
}

/** Two processes may both find the same dead lock: what was moved must be what was judged. */
async function moveAside(lockPath: string, judged: string): Promise<void> {
  const aside = `${lockPath}.stale.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(lockPath, aside);
  } catch {
    return;
  }
  const moved = await readFile(aside, 'utf8');
  if (moved !== judged) await createFile(lockPath, moved);
  await unlink(aside);
}

async function lives(owner: Owner, lockPath: string): Promise<boolean> {
  if (owner.host !== hostname()) {
    const touched = await stat(lockPath).then(
      (found) => found.mtimeMs,
      () => 0,
    );
    return Date.now() - touched < FOREIGN_STALE_MS;
  }
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const ticks = startTicks(owner.pid);
  return ticks === '' || owner.startTicks === '' || ticks === owner.startTicks;
}

/** Empty where the system does not tell. A zombie counts as gone: its files are closed. */
function startTicks(pid: number): string {
  try {
    const stats = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stats.slice(stats.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const { pid, host, startTicks: ticks } = JSON.parse(text) as Record<string, unknown>;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return null;
    return { pid, host: typeof host === 'string' ? host : '', startTicks: typeof ticks === 'string' ? ticks : '' };
  } catch {
    return null;
  }
}

function owned(lockPath: string, owner: Owner | null): RouterError {
  const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new RouterError({
    code: 'data_directory_owned',
    publicMessage: `The data directory is in use by ${who}. Stop it, or set NEXTMODEL_DATA_DIR to another directory.`,
    detail: `${lockPath} is held by ${who}`,
    httpStatus: 503,
  });
}
