/** More of an error body is never looked at. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/** Collects the start of an answer that is no success. */
export class RefusalText {
  private readonly parts: Uint8Array[] = [];
  private bytes = 0;

  /** @returns false once nothing more is wanted. */
  add(chunk: Uint8Array): boolean {
    this.parts.push(chunk.subarray(0, REFUSAL_BYTES_MAX - this.bytes));
    this.bytes = Math.min(REFUSAL_BYTES_MAX, this.bytes + chunk.byteLength);
    return this.bytes < REFUSAL_BYTES_MAX;
  }

  get text(): string {
    return Buffer.concat(this.parts, this.bytes).toString('utf8');
  }
}
