/** How a model hedges; `null` at a request = not at all. */
export interface HedgeRule {
  /** The second call starts when the first one is slower than this percentile of the latest answers. */
  readonly afterPercentile: number;
  /** Largest share of requests that get a second call. */
  readonly shareMax: number;
}

const SAMPLES = 256;
/** Nobody knows what is slow before so many answers. */
const SAMPLES_MIN = 20;
/** The percentile is looked up again after so many further answers. */
const LOOK_AGAIN_AFTER = 16;
/** Second calls that may be saved up in calm times. */
const SAVED_MAX = 10;
const LINES_MAX = 2_000;

/** What is known of one target's answers of one kind, and how many second calls it has left. */
export class HedgeLine {
  private readonly samples = new Float64Array(SAMPLES);
  private count = 0;
  private saved = 0;
  private known: { readonly percentile: number; readonly delayMs: number; readonly atCount: number } | null = null;

  /** A request started: a share of a second call is saved for it. */
  request(shareMax: number): void {
    this.saved = Math.min(SAVED_MAX, this.saved + shareMax);
  }

  /** @returns false when the share is used up. */
  take(): boolean {
    if (this.saved < 1) return false;
    this.saved -= 1;
    return true;
  }

  add(latencyMs: number): void {
    this.samples[this.count % SAMPLES] = latencyMs;
    this.count += 1;
  }

  /** Milliseconds after which an answer counts as slow; `null` while too little is known. */
  delayMs(percentile: number): number | null {
    if (this.count < SAMPLES_MIN) return null;
    const { known } = this;
    if (known !== null && known.percentile === percentile && this.count - known.atCount < LOOK_AGAIN_AFTER) {
      return known.delayMs;
    }
    const size = Math.min(this.count, SAMPLES);
    const delayMs = this.samples.slice(0, size).sort()[Math.min(size - 1, Math.floor((size * percentile) / 100))]!;
    this.known = { percentile, delayMs, atCount: this.count };
    return delayMs;
  }
}

/** One line for each target and kind of answer: the first token of a stream and a whole body are not comparable. */
export class HedgeBook {
  private readonly lines = new Map<string, HedgeLine>();

  line(provider: string, model: string, streamed: boolean): HedgeLine {
    const name = `${streamed ? 's' : 'j'} ${provider}/${model}`;
    let line = this.lines.get(name);
    if (line === undefined) {
      if (this.lines.size >= LINES_MAX) this.lines.delete(this.lines.keys().next().value!);
      line = new HedgeLine();
      this.lines.set(name, line);
    }
    return line;
  }
}
