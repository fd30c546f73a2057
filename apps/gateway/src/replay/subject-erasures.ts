import type { SubjectErased } from '#events/domain/router-event.js';
import type { ErasableContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { Logger } from '#telemetry/ports/logger.js';

const RETRY_MS = 1_000;

/**
 * Carries every `subject.erased` of the control topic to the cipher, those of former lives too: so an erasure that
 * ended between its event and the key ends now. What the store of keys refuses is tried again until it works.
 */
export class SubjectErasures {
  #cipher: ErasableContentCipher | null = null;
  /** Told before there was a cipher, or refused by the store: subject → when it was erased. */
  readonly #open = new Map<string, number>();
  #retry: NodeJS.Timeout | null = null;

  constructor(private readonly logger: Logger) {}

  apply({ subject, erasedAt }: SubjectErased): void {
    this.#open.set(subject, Math.max(Date.parse(erasedAt), this.#open.get(subject) ?? 0));
    this.#destroy(subject).catch(() => {});
  }

  use(cipher: ErasableContentCipher): void {
    this.#cipher = cipher;
    for (const subject of this.#open.keys()) this.#destroy(subject).catch(() => {});
  }

  /** Resolves when no key of the subject is left. @throws RouterError `store_unavailable`: it goes on by itself. */
  settle(subject: string): Promise<void> {
    return this.#destroy(subject);
  }

  stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  async #destroy(subject: string): Promise<void> {
    const erasedAtMs = this.#open.get(subject);
    if (this.#cipher === null || erasedAtMs === undefined) return;
    try {
      await this.#cipher.erase(subject, erasedAtMs);
      if (this.#open.get(subject) === erasedAtMs) this.#open.delete(subject);
    } catch (error) {
      this.logger.warn({ err: error }, 'keys of an erased subject are not destroyed yet');
      this.#retry ??= setTimeout(() => this.#again(), RETRY_MS).unref();
      throw error;
    }
  }

  #again(): void {
    this.#retry = null;
    for (const subject of this.#open.keys()) this.#destroy(subject).catch(() => {});
  }
}
