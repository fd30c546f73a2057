import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One engine per data folder. A dying predecessor is waited for; the lock of a dead one is taken over.
 * @returns a function that gives the folder back, or `null` when a living process keeps it for `waitMs`.
 */
export async function lockFolder(dataDir: string, waitMs: number): Promise<(() => void) | null> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, 'owner.pid');
  const deadline = performance.now() + waitMs;
  for (;;) {
    if (tryLock(path)) return () => rmSync(path, { force: true });
    if (performance.now() > deadline) return null;
    await sleep(50);
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    const owner = Number(readText(path));
    if (owner === process.pid) return true;
    if (!isEngine(owner)) rmSync(path, { force: true });
    return false;
  }
}

/** Is that process alive and, where the system can tell, an engine of ours? */
function isEngine(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const commandLine = readText(`/proc/${pid}/cmdline`);
  return commandLine === '' || commandLine.includes('sql-engine-main');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
