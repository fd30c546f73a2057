/**
 * Remembers which requests with an `Idempotency-Key` run, and the answers of those that have ended. Everything it is
 * given is hashed or sealed: it never holds a key of a client, a prompt or an answer in the clear.
 */
export interface IdempotencyStore {
  /**
   * Takes a name for one request. Of many that ask at once exactly one gets `claimed`.
   * @throws RouterError `store_unavailable` when a server is away.
   */
  claim(claim: IdempotencyClaim): Promise<IdempotencyState> | IdempotencyState;
  /** The request still runs: its name stays taken for another lease. Nothing happens when another holds it by now. */
  renew(name: IdempotencyName, holder: string): Promise<void> | void;
  /** The answer is whole: later claims get it, for the time and within the bounds of the store. */
  keep(name: IdempotencyName, holder: string, answer: SealedAnswer): Promise<void> | void;
  /** No answer to keep: the name is free again. Idempotent; changes nothing once an answer is kept. */
  release(name: IdempotencyName, holder: string): Promise<void> | void;
  /** Drops all answers of a subject. */
  forget(owner: string, subject: string): Promise<void> | void;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** `id` is unique within its owner; names of two owners never meet. */
export interface IdempotencyName {
  /** The tenant: bounds hold for each of them. */
  readonly owner: string;
  /** Hash of whose key it is and what the client called it. */
  readonly id: string;
}

export interface IdempotencyClaim extends IdempotencyName {
  /** Hash of what is asked: another one under the same name is a mistake. */
  readonly fingerprint: string;
  /** Who claims: the receipt id. */
  readonly holder: string;
}

export type IdempotencyState =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'running' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'answered'; readonly answer: SealedAnswer };

export interface SealedAnswer {
  readonly subject: string;
  readonly keyId: string;
  readonly sealed: string;
}

export interface IdempotencyBounds {
  /** How long an answer is kept. */
  readonly keepMs: number;
  /** How long a name stays taken by a request whose process says nothing any more. */
  readonly leaseMs: number;
  /** Answers of one owner, and their size in characters; the oldest go first. */
  readonly ownerAnswersMax: number;
  readonly ownerCharsMax: number;
  /** The same over all owners, where one process holds them. */
  readonly answersMax: number;
  readonly charsMax: number;
}

/** 24 hours; 10,000 answers and 32 MiB a tenant, 128 MiB in a process; a dead process frees its names after 15 s. */
export const IDEMPOTENCY_BOUNDS: IdempotencyBounds = {
  keepMs: 24 * 3_600_000,
  leaseMs: 15_000,
  ownerAnswersMax: 10_000,
  ownerCharsMax: 32 * 1024 * 1024,
  answersMax: 50_000,
  charsMax: 128 * 1024 * 1024,
};
