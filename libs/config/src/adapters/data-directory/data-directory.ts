import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDirectory, lockOwner } from './directory-lock.js';
import { ensureSecrets, findSecrets, type DataSecrets, type GivenSecrets } from './secret-files.js';

/** Where all state of an instance lives. `log` and `secrets` are irreplaceable; the others are views. */
export interface DataDirectory {
  readonly path: string;
  readonly log: string;
  readonly clickhouse: string;
  readonly vectors: string;
  readonly transparency: string;
  readonly secretsPath: string;
  readonly secrets: DataSecrets;
  /** Gives up the lock. Idempotent. */
  close(): Promise<void>;
}

const LOCK_FILE = 'owner';

/**
 * Opens a data directory for this process alone, making what is missing: folders (`secrets` with mode 0700) and
 * secrets (mode 0600, `madeNow`).
 * @param given secrets of the environment: they win and are not written.
 * @throws RouterError `data_directory_owned` while another process lives in it (exit 69);
 *   errors of the file system as they come.
 */
export async function openDataDirectory(path: string, given: GivenSecrets = {}): Promise<DataDirectory> {
  const root = resolve(path);
  const within = (name: string): string => join(root, name);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(within(LOCK_FILE));
  try {
    for (const name of ['log', 'clickhouse', 'vectors', 'transparency']) await mkdir(within(name), { recursive: true });
    await mkdir(within('secrets'), { recursive: true, mode: 0o700 });
    await chmod(within('secrets'), 0o700);
    return {
      path: root,
      log: within('log'),
      clickhouse: within('clickhouse'),
      vectors: within('vectors'),
      transparency: within('transparency'),
      secretsPath: within('secrets'),
      secrets: await ensureSecrets(within('secrets'), given),
      close: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Pid of the process that owns the directory; `null` when none does. For tools that then use the admin API. */
export function dataDirectoryOwner(path: string): Promise<number | null> {
  return lockOwner(join(resolve(path), LOCK_FILE));
}

/** The secrets as they are, `null` where none was made yet. Takes no lock and makes nothing. */
export function readSecrets(
  path: string,
  given: GivenSecrets = {},
): Promise<{ readonly [S in keyof DataSecrets]: string | null }> {
  return findSecrets(join(resolve(path), 'secrets'), given);
}
