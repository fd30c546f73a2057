import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const EXECUTABLE = fileURLToPath(new URL('../../../bin/nextmodel.mjs', import.meta.url));

/** Process groups that must not outlive the tests, whatever becomes of them. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) killGroup(group);
});

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the executable, in a group of its own. */
export interface Run {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly running: boolean;
  output(): string;
}

/** Runs the built executable. Its group is killed with this process at the latest. */
export function runExecutable(words: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Run {
  const child: ChildProcess = spawn(process.execPath, [EXECUTABLE, ...words], {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the executable did not start');
  groups.add(pid);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  let running = true;
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', () => {
      running = false;
    });
    // Comes when nobody of the group holds the output any more.
    child.once('close', (code, signal) => {
      groups.delete(pid);
      resolve({ code, signal, stdout: text(out), stderr: text(err) });
    });
  });
  return {
    pid,
    ended,
    get running() {
      return running;
    },
    output: () => `${text(out)}\n${text(err)}`,
  };
}

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');

export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}
