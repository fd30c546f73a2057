/** How long, how many and how much of landed answers is kept. */
export interface LandedBounds {
  readonly lingerMs: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

interface Landed<T> {
  readonly value: T;
  readonly bytes: number;
  readonly dueMs: number;
}

/**
 * Landed answers that are given for a moment longer, until the index has them. Bounded in time, number and bytes; the
 * oldest goes first, and nothing holds an answer that has gone. One timer for all: they come in the order of their ends.
 */
export class LandedAnswers<T> {
  private readonly answers = new Map<string, Landed<T>>();
  private bytes = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly bounds: LandedBounds) {}

  get(id: string): { readonly value: T } | undefined {
    return this.answers.get(id);
  }

  /** An answer that is larger than all of them may be is not kept. */
  add(id: string, value: T, bytes: number): void {
    const { lingerMs, countMax, bytesMax } = this.bounds;
    this.drop(id);
    if (bytes > bytesMax) return;
    this.answers.set(id, { value, bytes, dueMs: performance.now() + lingerMs });
    this.bytes += bytes;
    for (const oldest of this.answers.keys()) {
      if (this.answers.size <= countMax && this.bytes <= bytesMax) break;
      this.drop(oldest);
    }
    this.timer ??= setTimeout(this.expire, lingerMs).unref();
  }

  private drop(id: string): void {
    const landed = this.answers.get(id);
    if (landed === undefined) return;
    this.answers.delete(id);
    this.bytes -= landed.bytes;
  }

  private readonly expire = (): void => {
    this.timer = null;
    const nowMs = performance.now();
    for (const [id, { dueMs }] of this.answers) {
      if (dueMs > nowMs) {
        this.timer = setTimeout(this.expire, Math.ceil(dueMs - nowMs)).unref();
        return;
      }
      this.drop(id);
    }
  };
}
