import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./witness.mjs', import.meta.url));

export interface RunningWitness {
  /** Verifier key. */
  readonly key: string;
  readonly url: string;
  /** Ends the process; the state stays for `startWitness(…, folder)` until `remove`. */
  stop(): Promise<void>;
  readonly folder: string;
  remove(): void;
}

/** The witness of this folder as a process, for tests. @param logKeys public keys of logs, one a line. */
export async function startWitness(
  name: string,
  logKeys: string,
  folder = mkdtempSync(join(tmpdir(), 'witness-')),
): Promise<RunningWitness> {
  const keyFile = join(folder, 'logs');
  writeFileSync(keyFile, logKeys);
  const words = [SCRIPT, '--name', name, '--state', folder, '--log', keyFile, '--port', '0'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  const [key = '', url = ''] = await new Promise<string[]>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the witness did not start: ${said}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > 2) resolve(said.split('\n'));
    });
  });
  return {
    key,
    url,
    folder,
    stop: () => {
      child.kill();
      return gone;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
