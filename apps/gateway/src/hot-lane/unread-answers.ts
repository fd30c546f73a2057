import type { ServerResponse } from 'node:http';

/** What clients have not read yet may fill so much memory of this process. */
const BYTES_MAX = 256 * 1024 * 1024;

export interface UnreadOptions {
  /** A client that takes nothing for so long is given up, at the latest after twice the time. */
  readonly slowReaderMs: number;
  readonly bytesMax?: number;
  /** Told about every answer that was given up. */
  readonly onGivenUp: () => void;
}

/**
 * Bounds answers that were written to their end and wait in memory for clients that do not read: in time, one by one,
 * and in bytes, all together; the one that waits longest goes first. An answer that the system's buffers take at once
 * is none of its business, nor is a connection that is idle between requests.
 */
export class UnreadAnswers {
  readonly #waiting = new Map<ServerResponse, number>();
  #bytes = 0;

  constructor(private readonly options: UnreadOptions) {}

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Call at any time before the answer's end. */
  watch(response: ServerResponse): void {
    response.once('prefinish', () => this.ended(response));
  }

  /** Call right after the answer's `end`. */
  ended(response: ServerResponse): void {
    const { socket } = response;
    if (socket === null) {
      // Behind another answer of its connection; that one is watched. `prefinish` comes when it is its turn.
      if (!response.destroyed) this.watch(response);
      return;
    }
    const bytes = socket.writableLength;
    if (bytes === 0) return;
    this.#waiting.set(response, bytes);
    this.#bytes += bytes;
    // Before Node's own listener, which gives the socket the time for keep-alive or to the next answer.
    response.prependOnceListener('finish', () => {
      socket.setTimeout(0);
      this.#forget(response);
    });
    response.once('close', () => this.#forget(response));
    // Node looks whether the socket has sent anything meanwhile, and tells only when it has not.
    response.once('timeout', () => this.#giveUp(response));
    socket.setTimeout(this.options.slowReaderMs);
    const bytesMax = this.options.bytesMax ?? BYTES_MAX;
    for (const longest of this.#waiting.keys()) {
      if (this.#bytes <= bytesMax) break;
      this.#giveUp(longest);
    }
  }

  #giveUp(response: ServerResponse): void {
    this.#forget(response);
    this.options.onGivenUp();
    response.destroy();
  }

  #forget(response: ServerResponse): void {
    this.#bytes -= this.#waiting.get(response) ?? 0;
    this.#waiting.delete(response);
  }
}
