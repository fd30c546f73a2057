import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Processes that must not outlive the tests, whatever becomes of them. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** One process of the shared mode: started, ended and started again with the same words and variables. */
export class OwnProcess {
  #child: ChildProcess | null = null;
  #output = '';

  constructor(
    readonly name: string,
    private readonly words: readonly [command: string, ...rest: string[]],
    private readonly env: NodeJS.ProcessEnv,
    private readonly cwd: string,
  ) {}

  start(): void {
    const [command, ...rest] = this.words;
    const child = spawn(command, rest, { env: this.env, cwd: this.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-100_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  output(): string {
    return this.#output;
  }

  /** Waits for its end. @returns exit code (`null` = by the signal) and how long it took. */
  async stop(
    signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
  ): Promise<{ readonly code: number | null; readonly ms: number }> {
    const child = this.#child;
    if (child === null || !this.running) return { code: child?.exitCode ?? null, ms: 0 };
    const began = performance.now();
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return { code: child.exitCode, ms: Math.round(performance.now() - began) };
  }
}

/** Variables of this machine without those that the product or the test runner would read. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(NEXTMODEL_|VITEST|NODE_ENV|.*_API_KEY$)/.test(name));
  return Object.fromEntries(kept);
}
