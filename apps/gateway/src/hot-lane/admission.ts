import { RouterError } from '#events/domain/router-error.js';
import type { ApiKey, KeyRing } from '#access/ports/key-ring.js';

export interface AdmissionParts {
  readonly keys: KeyRing;
  readonly requestsMax: number;
  /** Which of the arrivals come in while the event loop is late. */
  readonly shed: { admits(): boolean };
}

/** With fewer requests inside, something else makes the event loop late, and refusing would not help. */
const BLAMELESS_MAX = 16;

/** Who may come in: a key that is known, room in this process, and not after the doors were closed. */
export class AdmissionDesk {
  #inside = 0;
  #closed = false;

  constructor(private readonly parts: AdmissionParts) {}

  /** Requests under way. */
  get inside(): number {
    return this.#inside;
  }

  /** From now on everyone is sent to another gateway. */
  close(): void {
    this.#closed = true;
  }

  /** @throws RouterError `invalid_api_key` (401), the same for missing, unknown, wrong and revoked. */
  authenticate(authorization: string | undefined): ApiKey {
    const bearer = authorization?.startsWith('Bearer ') === true ? authorization.slice(7).trim() : '';
    const key = bearer === '' ? null : this.parts.keys.authenticate(bearer);
    if (key !== null) return key;
    throw new RouterError({
      code: 'invalid_api_key',
      publicMessage: 'Incorrect API key provided. Use the key of `nextmodel start`, or of `nextmodel keys create`.',
      httpStatus: 401,
    });
  }

  /** Every `enter` needs one `leave`. @throws RouterError `shutting_down` or `overloaded` (503): nothing was taken. */
  enter(): void {
    if (this.#closed) throw refuse('shutting_down', 'This gateway is shutting down.');
    if (this.#inside >= this.parts.requestsMax) {
      throw refuse('overloaded', 'This gateway has as many requests as it can take. Try again shortly.');
    }
    if (this.#inside >= BLAMELESS_MAX && !this.parts.shed.admits()) {
      throw refuse('overloaded', 'This gateway is too busy to answer in time. Try again shortly.');
    }
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
  }
}

function refuse(code: 'shutting_down' | 'overloaded', publicMessage: string): RouterError {
  return new RouterError({ code, publicMessage, httpStatus: 503, retryable: true, retryAfterMs: 1_000 });
}
