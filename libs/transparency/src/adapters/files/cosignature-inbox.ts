import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { splitNotes } from '../../domain/cosigned-notes.js';

const FILE_BYTES_MAX = 1_048_576;
const NAME = /\.(notes?|txt)$/;

/**
 * A folder into which cosigned checkpoints are dropped, for witnesses that are not asked over HTTP: files `*.note` or
 * `*.txt` with signed notes. Move a file in, so that none is read half. What was taken is deleted; what was not gets
 * the ending `.refused`.
 */
export class CosignatureInbox {
  constructor(
    private readonly directory: string,
    private readonly take: (note: string) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** One look. A folder that is not there is empty. */
  async look(): Promise<void> {
    const names = await readdir(this.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.onFailure(error);
      return [] as string[];
    });
    for (const name of names.filter((each) => NAME.test(each)).toSorted()) await this.#take(name);
  }

  async #take(name: string): Promise<void> {
    const path = join(this.directory, name);
    try {
      if ((await stat(path)).size > FILE_BYTES_MAX) throw new Error('the file is longer than 1 MiB');
      const notes = splitNotes(await readFile(path, 'utf8'));
      if (notes.length === 0) throw new Error('the file has no note');
      for (const note of notes) await this.take(note);
      await unlink(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      this.onFailure(new Error(`${name}: ${reason}`));
      await rename(path, `${path}.refused`).catch(this.onFailure);
    }
  }
}
