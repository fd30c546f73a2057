import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const POINTER = 'CURRENT';
const GENERATION = /^g(\d{6})-([0-9a-f]{12})$/;

/**
 * A directory with generations of an index, one in use: `CURRENT` names it. A rebuild fills the next one and switches
 * by renaming the pointer. A generation carries its embedder in its name, so vectors of two embedders never meet.
 */
export class IndexDirectory {
  readonly #embedder: string;

  constructor(
    private readonly directory: string,
    embedderId: string,
  ) {
    this.#embedder = createHash('sha256').update(embedderId, 'utf8').digest('hex').slice(0, 12);
  }

  /** Log file of the generation in use; a fresh one when there is none of this embedder. */
  async current(): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const named = await this.#pointer();
    if (named !== null && GENERATION.exec(named)?.[2] === this.#embedder) {
      await this.#removeOlderThan(named);
      await mkdir(join(this.directory, named), { recursive: true, mode: 0o700 });
      return this.logOf(named);
    }
    const fresh = await this.prepare();
    await this.switchTo(fresh);
    return this.logOf(fresh);
  }

  /** Makes an empty generation beside the one in use. @returns its name. */
  async prepare(): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    let highest = 0;
    for (const name of await readdir(this.directory)) {
      highest = Math.max(highest, Number(GENERATION.exec(name)?.[1] ?? 0));
    }
    const name = `g${String(highest + 1).padStart(6, '0')}-${this.#embedder}`;
    await mkdir(join(this.directory, name), { mode: 0o700 });
    return name;
  }

  /** From here on every open finds the named generation; older ones are deleted. */
  async switchTo(name: string): Promise<void> {
    const path = join(this.directory, POINTER);
    const temporary = `${path}.tmp`;
    const handle = await open(temporary, 'w', 0o600);
    await handle.writeFile(`${name}\n`);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
    await this.#removeOlderThan(name);
  }

  async discard(name: string): Promise<void> {
    await rm(join(this.directory, name), { recursive: true, force: true });
  }

  logOf(name: string): string {
    return join(this.directory, name, 'entries.log');
  }

  async #pointer(): Promise<string | null> {
    try {
      return (await readFile(join(this.directory, POINTER), 'utf8')).trim();
    } catch {
      return null;
    }
  }

  async #removeOlderThan(name: string): Promise<void> {
    for (const other of await readdir(this.directory)) {
      if (GENERATION.test(other) && other.slice(0, 7) < name.slice(0, 7)) await this.discard(other);
    }
  }
}
