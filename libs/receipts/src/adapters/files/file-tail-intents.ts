import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { TailIntent, TailIntentStore } from '../../ports/tail-intent-store.js';

/** One small file for each partition, replaced by rename; an unreadable one counts as none. */
export class FileTailIntents implements TailIntentStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(partition: number): Promise<TailIntent | null> {
    try {
      const match = /^(\d+)-(\d+)\n$/.exec(await readFile(this.#path(partition), 'utf8'));
      if (match?.[1] === undefined || match[2] === undefined) return null;
      return { partition, firstOffset: BigInt(match[1]), lastOffset: BigInt(match[2]) };
    } catch {
      return null;
    }
  }

  async save({ partition, firstOffset, lastOffset }: TailIntent): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(partition);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${firstOffset}-${lastOffset}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  #path(partition: number): string {
    return join(this.#directory, `receipts-${partition}.intent`);
  }
}
