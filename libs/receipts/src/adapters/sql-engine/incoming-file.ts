import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where rows in binary wait for their INSERT: the engine ends data that stands behind a statement at the first empty
 * line, which in binary can be a number. Files live for one statement; what a crash has left goes at the next start.
 */
export class IncomingFiles {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'incoming');
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** Gives `work` the path of a file with these bytes. */
  async with<T>(bytes: Buffer, work: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.#folder, randomUUID());
    try {
      await writeFile(path, bytes, { mode: 0o600 });
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }
}
