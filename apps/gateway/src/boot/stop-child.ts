import type { ChildProcess } from 'node:child_process';

/** Asks a child to end and waits until it has; one that does not in time is killed. At once for one that is gone. */
export async function stopChild(child: ChildProcess | null, killAfterMs: number): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await gone;
  clearTimeout(timer);
}
