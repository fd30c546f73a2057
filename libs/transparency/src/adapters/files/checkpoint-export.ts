import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Notes that may wait for a slow disk; beyond, they are left out of the file, not of the log. */
const WAITING_MAX = 10_000;

/**
 * Appends every checkpoint to `<directory>/receipts-<partition>.notes`: the note, then an empty line. Nothing is ever
 * taken out: whoever copies the file away has what was signed until then. The last note may stand there twice.
 */
export class CheckpointExport {
  readonly #directory: string;
  readonly #onFailure: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(directory: string, onFailure: (error: unknown) => void) {
    this.#directory = directory;
    this.#onFailure = onFailure;
  }

  /** Never waits; notes are written in the order of the calls. */
  add(partition: number, note: string): void {
    if (this.#waiting >= WAITING_MAX) return this.#onFailure(new Error('too many notes wait'));
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#append(join(this.#directory, `receipts-${partition}.notes`), `${note}\n`))
      .catch(this.#onFailure)
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  idle(): Promise<void> {
    return this.#last;
  }

  async #append(path: string, text: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, text);
  }
}
