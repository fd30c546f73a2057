import type {
  IdempotencyBounds,
  IdempotencyClaim,
  IdempotencyName,
  IdempotencyState,
  IdempotencyStore,
  SealedAnswer,
} from '../../ports/idempotency-store.js';

interface Held {
  readonly owner: string;
  readonly fingerprint: string;
  readonly holder: string;
  answer: SealedAnswer | null;
  endMs: number;
}
interface Kept {
  /** In the order in which they were kept. */
  readonly names: Set<string>;
  chars: number;
}

/** Names and answers of one process; a restart forgets them. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #held = new Map<string, Held>();
  readonly #owners = new Map<string, Kept>();
  readonly #kept: Kept = { names: new Set(), chars: 0 };

  constructor(
    private readonly bounds: IdempotencyBounds,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  claim({ owner, id, fingerprint, holder }: IdempotencyClaim): IdempotencyState {
    const name = nameOf(owner, id);
    const nowMs = this.nowMs();
    this.#dropOld(nowMs);
    const held = this.#held.get(name);
    if (held === undefined || held.endMs <= nowMs) {
      this.#drop(name);
      this.#held.set(name, { owner, fingerprint, holder, answer: null, endMs: nowMs + this.bounds.leaseMs });
      return { kind: 'claimed' };
    }
    if (held.fingerprint !== fingerprint) return { kind: 'mismatch' };
    return held.answer === null ? { kind: 'running' } : { kind: 'answered', answer: held.answer };
  }

  renew({ owner, id }: IdempotencyName, holder: string): void {
    const held = this.#held.get(nameOf(owner, id));
    if (held?.holder === holder && held.answer === null) held.endMs = this.nowMs() + this.bounds.leaseMs;
  }

  keep({ owner, id }: IdempotencyName, holder: string, answer: SealedAnswer): void {
    const name = nameOf(owner, id);
    const held = this.#held.get(name);
    if (held?.holder !== holder || held.answer !== null) return;
    held.answer = answer;
    held.endMs = this.nowMs() + this.bounds.keepMs;
    let own = this.#owners.get(owner);
    if (own === undefined) this.#owners.set(owner, (own = { names: new Set(), chars: 0 }));
    for (const kept of [own, this.#kept]) {
      kept.names.add(name);
      kept.chars += answer.sealed.length;
    }
    const { ownerAnswersMax, ownerCharsMax, answersMax, charsMax } = this.bounds;
    this.#dropBeyond(own, ownerAnswersMax, ownerCharsMax);
    this.#dropBeyond(this.#kept, answersMax, charsMax);
  }

  release({ owner, id }: IdempotencyName, holder: string): void {
    const name = nameOf(owner, id);
    const held = this.#held.get(name);
    if (held?.holder === holder && held.answer === null) this.#held.delete(name);
  }

  forget(owner: string, subject: string): void {
    for (const name of this.#owners.get(owner)?.names ?? []) {
      if (this.#held.get(name)?.answer?.subject === subject) this.#drop(name);
    }
  }

  async ping(): Promise<void> {}
  async close(): Promise<void> {}

  #dropBeyond(kept: Kept, countMax: number, charsMax: number): void {
    for (const oldest of kept.names) {
      if (kept.names.size <= countMax && kept.chars <= charsMax) return;
      this.#drop(oldest);
    }
  }

  /** All are kept for the same time, so the oldest end first. */
  #dropOld(nowMs: number): void {
    for (const oldest of this.#kept.names) {
      if ((this.#held.get(oldest)?.endMs ?? 0) > nowMs) return;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    if (held.answer === null) return;
    const own = this.#owners.get(held.owner);
    for (const kept of [own, this.#kept]) {
      if (kept?.names.delete(name) === true) kept.chars -= held.answer.sealed.length;
    }
    if (own?.names.size === 0) this.#owners.delete(held.owner);
  }
}

/** An owner may hold any character; a length in front keeps two names apart. */
const nameOf = (owner: string, id: string): string => `${owner.length}:${owner}:${id}`;
