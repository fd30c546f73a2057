import { chmodSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RouterError } from '#events/domain/router-error.js';
import type { SubjectKey, SubjectKeyStore } from '../../ports/subject-key-store.js';

/** A checkpoint of another process holds the file for milliseconds. */
const BUSY_TIMEOUT_MS = 250;
const TRUNCATE_TRIES = 40;
const FILE_MODE = 0o600;

const SCHEMA = `CREATE TABLE IF NOT EXISTS subject_keys (
    key_id TEXT PRIMARY KEY, subject TEXT NOT NULL, created_ms INTEGER NOT NULL, wrapped BLOB NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_subject ON subject_keys (subject, created_ms)`;

interface Row {
  readonly key_id: string;
  readonly subject: string;
  readonly created_ms: number;
  readonly wrapped: Uint8Array;
}

/**
 * Keys in one small file that all processes of a data directory share. `secure_delete` writes zeros over what is
 * deleted; the write-ahead file, which may still hold a page with the key, is emptied before `erase` returns.
 */
export class SqliteKeyStore implements SubjectKeyStore {
  readonly immediate = true;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #newest: StatementSync;
  readonly #erase: StatementSync;
  readonly #scrub: StatementSync;
  /** Deleted keys may still be in the write-ahead file. */
  #traces = true;
  #closed = false;

  /** @throws RouterError `store_unavailable` when the file cannot be opened. */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
      chmodSync(path, FILE_MODE);
      // A key that a power cut takes back costs the newest answers and salts of a new subject; no insert waits for the disk.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON');
      this.#database.exec(SCHEMA);
      this.#put = this.#database.prepare('INSERT OR IGNORE INTO subject_keys VALUES (?, ?, ?, ?)');
      this.#get = this.#database.prepare('SELECT * FROM subject_keys WHERE key_id = ?');
      this.#newest = this.#database.prepare(
        'SELECT * FROM subject_keys WHERE subject = ? ORDER BY created_ms DESC LIMIT 1',
      );
      this.#erase = this.#database.prepare('DELETE FROM subject_keys WHERE subject = ? AND created_ms < ?');
      this.#scrub = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      throw unavailable('The file of subject keys cannot be opened; is its directory writable?', error);
    }
    // What a killed erasure left in the write-ahead file.
    this.#wipe();
  }

  put({ keyId, subject, createdAtMs, wrapped }: SubjectKey): void {
    this.#run(() => this.#put.run(keyId, subject, createdAtMs, wrapped));
  }

  get(keyId: string): SubjectKey | null {
    return toKey(this.#run(() => this.#get.get(keyId)));
  }

  newest(subject: string): SubjectKey | null {
    return toKey(this.#run(() => this.#newest.get(subject)));
  }

  erase(subject: string, beforeMs: number): number {
    const { changes } = this.#run(() => this.#erase.run(subject, beforeMs));
    this.#traces ||= Number(changes) > 0;
    if (!this.#wipe()) {
      throw unavailable('The subject keys are deleted, but traces could not be overwritten yet.', null);
    }
    return Number(changes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#database.close();
  }

  /** Syncs the file and empties the write-ahead file; false when another process kept it from doing so. */
  #wipe(): boolean {
    if (!this.#traces) return true;
    for (let tries = 0; tries < TRUNCATE_TRIES; tries += 1) {
      const [result] = this.#run(() => this.#scrub.all()) as { busy: number }[];
      if (result?.busy !== 0) continue;
      this.#traces = false;
      return true;
    }
    return false;
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw unavailable('The file of subject keys does not answer.', error);
    }
  }
}

function toKey(row: unknown): SubjectKey | null {
  if (row === undefined) return null;
  const { key_id: keyId, subject, created_ms: createdAtMs, wrapped } = row as Row;
  return { keyId, subject, createdAtMs, wrapped };
}

const unavailable = (publicMessage: string, cause: unknown): RouterError =>
  new RouterError({ code: 'store_unavailable', publicMessage, httpStatus: 503, retryable: true, cause });
