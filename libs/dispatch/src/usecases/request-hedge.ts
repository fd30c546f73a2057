import type { HedgeBook, HedgeLine, HedgeRule } from '../domain/hedge-book.js';

/** The second call that one request may make beside a slow first one. Does nothing for a request that never hedges. */
export class RequestHedge {
  private line: HedgeLine | null = null;

  constructor(
    private readonly book: HedgeBook,
    private readonly rule: HedgeRule | undefined,
  ) {}

  /** The first call goes out. @returns milliseconds after which it counts as slow; `null` = never. */
  begin(provider: string, model: string, streamed: boolean): number | null {
    const { rule } = this;
    if (rule === undefined) return null;
    this.line = this.book.line(provider, model, streamed);
    this.line.request(rule.shareMax);
    return this.line.delayMs(rule.afterPercentile);
  }

  /** @returns false when the share is used up. */
  take(): boolean {
    return this.line?.take() === true;
  }

  /** The first call took so long, or at least so long. */
  learn(tookMs: number): void {
    this.line?.add(tookMs);
  }
}
