import { readFile, unlink, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { RouterError } from '#events/domain/router-error.js';

/** A question about the owner holds the lock for an instant; a start waits that long. */
const WAIT_MS = 200;
const PID_SUFFIX = '.pid';

/** Held until released; the process's death releases it too, however it dies. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a directory. The lock is the operating system's, on a file that SQLite opens: a pid file alone
 * cannot be taken over without a race, and a dead owner's pid may be somebody else's by then. The pid file beside it
 * only says who holds it.
 * @throws RouterError `data_directory_owned` naming the pid while the owner lives; the caller exits with 69.
 */
export async function lockDirectory(lockPath: string): Promise<DirectoryLock> {
  const database = tryLock(lockPath, WAIT_MS);
  const pidPath = lockPath + PID_SUFFIX;
  if (database === null) throw owned(lockPath, await readPid(pidPath));
  try {
    await writeFile(pidPath, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw error;
  }
  let released = false;
  return {
    async release(): Promise<void> {
      if (released) return;
      released = true;
      await unlink(pidPath).catch(() => {});
      database.close();
    },
  };
}

/** Pid of the living owner (0 when it has not told yet); `null` when nobody holds the lock or there is none. */
export async function lockOwner(lockPath: string): Promise<number | null> {
  const known = await readFile(lockPath + PID_SUFFIX).catch(() => null);
  if (known === null) return null;
  const database = tryLock(lockPath, 0);
  if (database === null) return (await readPid(lockPath + PID_SUFFIX)) ?? 0;
  database.close();
  return null;
}

function tryLock(lockPath: string, waitMs: number): DatabaseSync | null {
  const database = new DatabaseSync(lockPath, { timeout: waitMs });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(error instanceof Error ? error.message : '')) return null;
    throw error;
  }
}

async function readPid(pidPath: string): Promise<number | null> {
  const pid = Number((await readFile(pidPath, 'utf8').catch(() => '')).trim());
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
}

function owned(lockPath: string, pid: number | null): RouterError {
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new RouterError({
    code: 'data_directory_owned',
    publicMessage: `The data directory is in use by ${who}. Stop it, or set NEXTMODEL_DATA_DIR to another directory.`,
    detail: `${lockPath} is held by ${who}`,
    httpStatus: 503,
  });
}
