import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pass } from '#events/ports/failpoint.js';
import type { CheckpointStore } from '../../ports/checkpoint-store.js';

/**
 * One file for each group: written beside, synced, renamed over the old one, so that a crash leaves the older value.
 * A group is saved by one process at a time, any may load it. Saves that come while one is running are written together.
 */
export class FileCheckpoints implements CheckpointStore {
  readonly #directory: string;
  /** Groups that were saved here: what is in memory is the newest. Others may be saved by another process. */
  readonly #owned = new Map<string, Promise<GroupFile>>();

  constructor(directory: string) {
    this.#directory = path.resolve(directory);
  }

  async load(group: string, topic: string, partition: number): Promise<bigint | null> {
    const file = await (this.#owned.get(group) ?? GroupFile.read(this.#directory, group));
    return file.places.get(`${topic}:${partition}`) ?? null;
  }

  async save(group: string, topic: string, partition: number, nextOffset: bigint): Promise<void> {
    const file = await this.#own(group);
    file.places.set(`${topic}:${partition}`, nextOffset);
    await file.write();
  }

  async remove(group: string): Promise<void> {
    const file = await this.#own(group);
    this.#owned.delete(group);
    await file.remove();
  }

  #own(group: string): Promise<GroupFile> {
    let file = this.#owned.get(group);
    if (file === undefined) {
      file = GroupFile.open(this.#directory, group);
      this.#owned.set(group, file);
      file.catch(() => this.#owned.delete(group));
    }
    return file;
  }
}

class GroupFile {
  readonly places: Map<string, bigint>;
  readonly #file: string;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  private constructor(file: string, places: Map<string, bigint>) {
    this.#file = file;
    this.places = places;
  }

  static async open(directory: string, group: string): Promise<GroupFile> {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    return GroupFile.read(directory, group);
  }

  static async read(directory: string, group: string): Promise<GroupFile> {
    const file = path.join(directory, `${encodeURIComponent(group)}.json`);
    const text = await fs.readFile(file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '{}';
      throw error;
    });
    const saved = JSON.parse(text) as Record<string, string>;
    return new GroupFile(file, new Map(Object.entries(saved).map(([place, next]) => [place, BigInt(next)])));
  }

  /** Resolves when everything that is in `places` now is on disk. */
  write(): Promise<void> {
    this.#queued ??= this.#afterRunning(() => {
      this.#queued = null;
      return this.#replace();
    });
    return this.#queued;
  }

  remove(): Promise<void> {
    return this.#afterRunning(() => fs.rm(this.#file, { force: true }));
  }

  #afterRunning(work: () => Promise<void>): Promise<void> {
    const done = this.#running.then(work);
    this.#running = done.catch(() => {});
    return done;
  }

  async #replace(): Promise<void> {
    const text = JSON.stringify(Object.fromEntries([...this.places].map(([place, next]) => [place, String(next)])));
    const temporary = `${this.#file}.${randomUUID()}.new`;
    try {
      const handle = await fs.open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      pass('checkpoint_written');
      await fs.rename(temporary, this.#file);
    } catch (error) {
      await fs.rm(temporary, { force: true });
      throw error;
    }
    const directory = await fs.open(path.dirname(this.#file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
