/** Choices beyond these are not told apart: they count as one. */
const LAST = 30;

/** Which choices of a stream have begun and which have told their end. Without all ends a stream is truncated. */
export class ChoiceLedger {
  private begun = 0;
  private finished = 0;

  note(choices: unknown): void {
    if (!Array.isArray(choices)) return;
    for (const choice of choices as readonly unknown[]) {
      if (typeof choice !== 'object' || choice === null) continue;
      const { index, finish_reason } = choice as { readonly index?: unknown; readonly finish_reason?: unknown };
      const bit = 1 << (typeof index === 'number' && index > 0 ? Math.min(index, LAST) : 0);
      this.begun |= bit;
      if (typeof finish_reason === 'string' && finish_reason !== '') this.finished |= bit;
    }
  }

  get allFinished(): boolean {
    return this.begun !== 0 && (this.begun & ~this.finished) === 0;
  }
}
