const U32 = 2 ** 32;
const SHORT = 40;

/** Little-endian values into a buffer that grows. Text is UTF-8 behind its length as a varint. */
export class ByteWriter {
  #buffer: Buffer;
  #view: DataView;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(sizeBytes, 1_024));
    this.#view = viewOf(this.#buffer);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#buffer[at] = value;
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  /** A whole number from 0 to 2^53. */
  u64(value: number): void {
    const at = this.#take(8);
    const high = Math.floor(value / U32);
    this.#view.setUint32(at, value - high * U32, true);
    this.#view.setUint32(at + 4, high, true);
  }

  i64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigInt64(at, value, true);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
  }

  size(value: number): void {
    let at = this.#take(5);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at++] = rest;
    this.#at = at;
  }

  text(value: string): void {
    const { length } = value;
    if (length > SHORT || !this.#shortAscii(value)) {
      const bytes = Buffer.byteLength(value);
      this.size(bytes);
      const at = this.#take(bytes);
      this.#buffer.write(value, at, bytes);
    }
  }

  /** `bytes` bytes; empty text = zeros. */
  hex(digits: string, bytes: number): void {
    const at = this.#take(bytes);
    if (digits === '') this.#buffer.fill(0, at, at + bytes);
    else this.#buffer.write(digits, at, bytes, 'hex');
  }

  /** Two 64-bit numbers, each little endian. */
  uuid(text: string): void {
    const at = this.#take(16);
    const buffer = this.#buffer;
    for (let byte = 0; byte < 16; byte += 1) {
      // digits of byte n, past the dashes before it
      const digit = 2 * byte + (byte > 3 ? 1 : 0) + (byte > 5 ? 1 : 0) + (byte > 7 ? 1 : 0) + (byte > 9 ? 1 : 0);
      const value = (nibble(text.charCodeAt(digit)) << 4) | nibble(text.charCodeAt(digit + 1));
      buffer[at + (byte < 8 ? 7 - byte : 23 - byte)] = value;
    }
  }

  /** A call of the runtime costs more than a loop over a few characters. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    const at = this.#take(length + 1);
    const buffer = this.#buffer;
    buffer[at] = length;
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#at = at;
        return false;
      }
      buffer[at + 1 + i] = code;
    }
    return true;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, at + bytes));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
      this.#view = viewOf(grown);
    }
    this.#at = at + bytes;
    return at;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);
/** Of a hex digit in lower case. */
const nibble = (code: number): number => (code <= 57 ? code - 48 : code - 87);
