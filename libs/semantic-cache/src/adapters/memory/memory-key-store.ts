import type { SubjectKey, SubjectKeyStore } from '../../ports/subject-key-store.js';

/** Keys that are gone with the process. */
export class MemoryKeyStore implements SubjectKeyStore {
  readonly immediate = true;
  readonly #keys = new Map<string, SubjectKey>();

  put(key: SubjectKey): void {
    if (!this.#keys.has(key.keyId)) this.#keys.set(key.keyId, key);
  }

  get(keyId: string): SubjectKey | null {
    return this.#keys.get(keyId) ?? null;
  }

  newest(subject: string): SubjectKey | null {
    let newest: SubjectKey | null = null;
    for (const key of this.#keys.values()) {
      if (key.subject === subject && key.createdAtMs >= (newest?.createdAtMs ?? 0)) newest = key;
    }
    return newest;
  }

  erase(subject: string, beforeMs: number): number {
    const gone = [...this.#keys.values()].filter((key) => key.subject === subject && key.createdAtMs < beforeMs);
    for (const { keyId } of gone) this.#keys.delete(keyId);
    return gone.length;
  }

  close(): void {}
}
