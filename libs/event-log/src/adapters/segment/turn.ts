import type { Appended } from '../../ports/event-log.js';

/** What was appended in one turn of the event loop: all of it shares two promises. */
export class Turn implements Appended {
  readonly written: Promise<void>;
  readonly durable: Promise<void>;
  readonly resolveWritten: () => void;
  readonly resolveDurable: () => void;
  /** Where its bytes end; known when they are written. */
  end = Infinity;
  readonly topics = new Set<string>();
  /** Records in it. */
  count = 0;
  /** Somebody waits for it to be on disk. */
  urgent = false;
  readonly #rejectWritten: (reason: Error) => void;
  readonly #rejectDurable: (reason: Error) => void;

  constructor() {
    const written = Promise.withResolvers<void>();
    const durable = Promise.withResolvers<void>();
    this.written = written.promise;
    this.durable = durable.promise;
    this.resolveWritten = written.resolve;
    this.resolveDurable = durable.resolve;
    this.#rejectWritten = written.reject;
    this.#rejectDurable = durable.reject;
    // A caller may wait for one of the two only; a rejection of the other must not end the process.
    this.written.catch(() => {});
    this.durable.catch(() => {});
  }

  static failed(reason: Error): Turn {
    const turn = new Turn();
    turn.fail(reason);
    return turn;
  }

  /** Rejects what is still open. */
  fail(reason: Error): void {
    this.#rejectWritten(reason);
    this.#rejectDurable(reason);
  }
}
