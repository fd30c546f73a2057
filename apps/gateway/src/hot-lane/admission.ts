import { RouterError } from '#events/domain/router-error.js';
import type { ApiKey, KeyRing } from '#access/ports/key-ring.js';
import { PreparedRefusal } from './prepared-refusal.js';

/** Requests of known keys that were sent away at the door, by reason. */
export interface DoorRefusals {
  stopping: number;
  /** `max_concurrent` requests were inside. */
  full: number;
  /** The event loop could not take more. */
  busy: number;
}

export interface AdmissionParts {
  readonly keys: KeyRing;
  readonly requestsMax: number;
  /** Which of the arrivals come in while the event loop is late. */
  readonly shed: { admits(): boolean };
}

/** So many need a tenth of a second at most; when fewer are inside, something else makes the event loop late. */
const BLAMELESS_MAX = 100;

/** On a connection that stays open the next request would come here again. */
const SHUTTING_DOWN = new PreparedRefusal(unavailable('shutting_down', 'This gateway is shutting down.'), [
  'connection',
  'close',
]);
const FULL = new PreparedRefusal(
  unavailable('overloaded', 'This gateway has as many requests as it can take. Try again shortly.'),
);
const TOO_BUSY = new PreparedRefusal(
  unavailable('overloaded', 'This gateway is too busy to answer in time. Try again shortly.'),
);

const INVALID_KEY = new PreparedRefusal(
  new RouterError({
    code: 'invalid_api_key',
    publicMessage: 'Incorrect API key provided. Use the key of `nextmodel start`, or of `nextmodel keys create`.',
    httpStatus: 401,
  }),
);

/** Who may come in: a key that is known, room in this process, and not after the doors were closed. */
export class AdmissionDesk {
  #inside = 0;
  #closed = false;
  readonly #refusals: DoorRefusals = { stopping: 0, full: 0, busy: 0 };

  constructor(private readonly parts: AdmissionParts) {}

  /** They have no receipt, so they are counted here. */
  get refusals(): Readonly<DoorRefusals> {
    return this.#refusals;
  }

  /** Requests under way. */
  get inside(): number {
    return this.#inside;
  }

  /** From now on everyone is sent to another gateway. */
  close(): void {
    this.#closed = true;
  }

  /** @returns the refusal `invalid_api_key` (401) is the same for missing, unknown, wrong and revoked. */
  authenticate(authorization: string | undefined): ApiKey | PreparedRefusal {
    const bearer = authorization?.startsWith('Bearer ') === true ? authorization.slice(7).trim() : '';
    return (bearer === '' ? null : this.parts.keys.authenticate(bearer)) ?? INVALID_KEY;
  }

  /** Every `enter` that gives `null` needs one `leave`. @returns why nobody comes in; then nothing was taken. */
  enter(): PreparedRefusal | null {
    if (this.#closed) return this.#refuse('stopping', SHUTTING_DOWN);
    if (this.#inside >= this.parts.requestsMax) return this.#refuse('full', FULL);
    if (this.#inside >= BLAMELESS_MAX && !this.parts.shed.admits()) return this.#refuse('busy', TOO_BUSY);
    this.#inside += 1;
    return null;
  }

  leave(): void {
    this.#inside -= 1;
  }

  #refuse(reason: keyof DoorRefusals, refusal: PreparedRefusal): PreparedRefusal {
    this.#refusals[reason] += 1;
    return refusal;
  }
}

function unavailable(code: 'shutting_down' | 'overloaded', publicMessage: string): RouterError {
  return new RouterError({ code, publicMessage, httpStatus: 503, retryable: true, retryAfterMs: 1_000 });
}
