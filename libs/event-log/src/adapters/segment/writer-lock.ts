import fs from 'node:fs';
import path from 'node:path';
import { RouterError } from '#events/domain/router-error.js';

const LOCK_FILE = 'writer.lock';

const TRY_MS = 25;

/** As `lockPartition`, but gives an owner that is on its way out some seconds to go. */
export async function waitForPartition(directory: string, waitMs: number): Promise<() => void> {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    try {
      return lockPartition(directory);
    } catch (error) {
      if (!(error instanceof RouterError) || performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
}

/**
 * Makes this process the only writer of a partition directory. The lock of a process that has died is taken over.
 * @returns gives it back.
 * @throws RouterError `data_directory_owned` when a living process holds it.
 */
function lockPartition(directory: string): () => void {
  const file = path.join(directory, LOCK_FILE);
  const own = `${process.pid}:${startTimeOf(process.pid)}`;
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      fs.writeFileSync(file, own, { flag: 'wx', mode: 0o600 });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = readLock(file);
    if (owner !== null && isAlive(owner)) throw owned(directory, owner);
    // Renamed before it is removed: of two processes that find it stale, one takes it away.
    const stale = `${file}.${process.pid}`;
    try {
      fs.renameSync(file, stale);
      fs.rmSync(stale, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw owned(directory, 'unknown');
}

function readLock(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function isAlive(owner: string): boolean {
  const [pidText = '', started = ''] = owner.split(':');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // A process id is given out again after a restart of the machine or container; its start time is not.
  return startTimeOf(pid) === started;
}

/** Start of a process in clock ticks since boot, from Linux; empty elsewhere. A zombie is dead, it only is not buried. */
function startTimeOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function owned(directory: string, owner: string): RouterError {
  return new RouterError({
    code: 'data_directory_owned',
    publicMessage: 'Another process writes to this log partition.',
    detail: `partition ${path.basename(directory)} of the log is written by process ${owner.split(':')[0]}`,
  });
}
