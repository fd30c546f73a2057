import { createHash } from 'node:crypto';
import { RouterError } from '#events/domain/router-error.js';
import type {
  IdempotencyName,
  IdempotencyState,
  IdempotencyStore,
  SealedAnswer,
} from '#access/ports/idempotency-store.js';
import type { ContentCipher } from '#semantic-cache/ports/content-cipher.js';
import { contentSubjectOf } from '#semantic-cache/semantic-cache.module.js';
import type { RequestContext } from '../completions/request-context.js';
import { parseStoredAnswer, type StoredAnswer } from './stored-answer.js';

export interface IdempotencyParts {
  readonly store: IdempotencyStore;
  /** Used while `store` does not answer: requests flow, a name then holds within this process. */
  readonly fallback: IdempotencyStore;
  readonly cipher: ContentCipher;
  /** How long a store keeps a name of a request that it hears nothing of. */
  readonly leaseMs: number;
  readonly onProblem: (error: unknown) => void;
}

export type Named =
  | { readonly kind: 'held'; readonly held: HeldName }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  /** The answer was erased, or its key is not at hand: nothing is known of the request but that it was made. */
  | { readonly kind: 'unreadable' };

/** A request's hold of its name, until it is given an answer or let go. */
export interface HeldName {
  /** Never rejects: an answer that could not be kept is asked for anew. */
  keep(answer: StoredAnswer): Promise<void>;
  /** Never rejects. */
  release(): Promise<void>;
}

/** Waits told to who asks while the first request runs. */
const RETRY_AFTER_MS = 1_000;

/**
 * Names of requests (`Idempotency-Key`), each within one virtual key. Stores get hashes and sealed text only: what is
 * hashed is salted per tenant, so that nobody can try prompts against it.
 */
export class IdempotencyDesk {
  constructor(private readonly parts: IdempotencyParts) {}

  /**
   * @throws RouterError `idempotency_in_progress` (409) while the same request runs, `idempotency_mismatch` (422) when
   *   the name belongs to another body.
   */
  async claim(context: RequestContext, key: string): Promise<Named> {
    const { tenantId, keyId } = context.key;
    const name: IdempotencyName = { owner: tenantId, id: this.#digest(tenantId, JSON.stringify([keyId, key])) };
    const fingerprint = this.#digest(tenantId, `${context.api}\n`, context.rawBody);
    const claim = { ...name, fingerprint, holder: context.receiptId };
    let { store } = this.parts;
    let state: IdempotencyState;
    try {
      state = await store.claim(claim);
    } catch (error) {
      if (!(error instanceof RouterError) || error.code !== 'store_unavailable') throw error;
      store = this.parts.fallback;
      state = await store.claim(claim);
    }
    if (state.kind === 'running') throw inProgress();
    if (state.kind === 'mismatch') throw mismatch();
    if (state.kind === 'claimed') return { kind: 'held', held: this.#hold(store, name, context) };
    const answer = await this.#open(state.answer);
    return answer === null ? { kind: 'unreadable' } : { kind: 'answered', answer };
  }

  /** Drops all answers of an erased subject. Never rejects: without its key nobody reads what is left. */
  async forget(tenantId: string, subject: string): Promise<void> {
    for (const store of new Set([this.parts.store, this.parts.fallback])) {
      await attempt(() => store.forget(tenantId, subject), this.parts.onProblem);
    }
  }

  ping(): Promise<void> {
    return this.parts.store.ping();
  }

  async close(): Promise<void> {
    await this.parts.store.close();
  }

  #hold(store: IdempotencyStore, name: IdempotencyName, context: RequestContext): HeldName {
    const { cipher, leaseMs, onProblem } = this.parts;
    const holder = context.receiptId;
    const renewing = setInterval(() => void attempt(() => store.renew(name, holder), onProblem), leaseMs / 3);
    renewing.unref();
    return {
      keep: (answer) => {
        clearInterval(renewing);
        return attempt(() => {
          const user = context.body?.['user'];
          const subject = contentSubjectOf(cipher, context.key.tenantId, typeof user === 'string' ? user : '');
          return store.keep(name, holder, { subject, ...cipher.seal(subject, JSON.stringify(answer)) });
        }, onProblem);
      },
      release: () => {
        clearInterval(renewing);
        return attempt(() => store.release(name, holder), onProblem);
      },
    };
  }

  async #open({ keyId, sealed }: SealedAnswer): Promise<StoredAnswer | null> {
    const { cipher, onProblem } = this.parts;
    let plain: string | null = null;
    await attempt(async () => {
      await cipher.keyState(keyId, 0);
      plain = cipher.open(keyId, sealed);
    }, onProblem);
    return plain === null ? null : parseStoredAnswer(plain);
  }

  #digest(tenantId: string, text: string, bytes?: Uint8Array): string {
    const hash = createHash('sha256').update(this.parts.cipher.salt(tenantId, 'idempotency')).update(text);
    return (bytes === undefined ? hash : hash.update(bytes)).digest('hex');
  }
}

async function attempt(call: () => Promise<void> | void, onProblem: (error: unknown) => void): Promise<void> {
  try {
    await call();
  } catch (error) {
    onProblem(error);
  }
}

function inProgress(): RouterError {
  return new RouterError({
    code: 'idempotency_in_progress',
    publicMessage: 'The first request with this Idempotency-Key is still under way.',
    httpStatus: 409,
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
    param: 'Idempotency-Key',
  });
}

function mismatch(): RouterError {
  return new RouterError({
    code: 'idempotency_mismatch',
    publicMessage: 'This Idempotency-Key was used with another body; use a new one for another request.',
    httpStatus: 422,
    param: 'Idempotency-Key',
  });
}
