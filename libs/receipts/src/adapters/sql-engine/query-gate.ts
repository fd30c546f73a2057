import { SqlError } from './sql-error.js';

/** Lets a few queries run at a time and a bounded number wait, so that audits cannot crowd out ingestion. */
export class QueryGate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #runningMax: number;
  readonly #waitingMax: number;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws SqlError 202 when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) {
        throw new SqlError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries; try again');
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
