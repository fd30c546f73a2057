import type { ServerResponse } from 'node:http';
import type { RouterError } from '#events/domain/router-error.js';
import { toOpenAiError } from '#openai-wire/domain/openai-error.js';

/**
 * A refusal whose bytes are made once. Under overload most of the work is to refuse, and what a refusal costs is taken
 * from those who are inside.
 */
export class PreparedRefusal {
  readonly #status: number;
  readonly #headers: readonly string[];
  readonly #body: string;

  /** @param moreHeaders flat list of names and values. */
  constructor(error: RouterError, moreHeaders: readonly string[] = []) {
    const { status, headers, body } = toOpenAiError(error);
    this.#status = status;
    this.#body = body;
    this.#headers = [
      ...Object.entries(headers).flat(),
      ...moreHeaders,
      'content-length',
      String(Buffer.byteLength(body)),
    ];
  }

  /** @param requestId the client's `x-request-id`, told back. */
  send(response: ServerResponse, requestId: string | undefined): void {
    const headers = requestId === undefined ? [...this.#headers] : [...this.#headers, 'x-request-id', requestId];
    response.writeHead(this.#status, headers);
    // As a text it leaves in one packet with its head.
    response.end(this.#body);
  }
}
