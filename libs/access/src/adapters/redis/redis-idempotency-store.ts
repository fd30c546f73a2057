import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type {
  IdempotencyBounds,
  IdempotencyClaim,
  IdempotencyName,
  IdempotencyState,
  IdempotencyStore,
  SealedAnswer,
} from '../../ports/idempotency-store.js';
import { CLAIM_SCRIPT, FORGET_SCRIPT, KEEP_SCRIPT, RELEASE_SCRIPT, RENEW_SCRIPT } from './idempotency-scripts.js';
import { answered, closeRedis, connectRedis, createRedis } from './redis-connection.js';

/** A sealed answer of a megabyte crosses a network well within it; a server that is slower counts as away. */
const COMMAND_TIMEOUT_MS = 500;
const PREFIX = 'nextmodel:idempotency:';

interface Scripts {
  nextmodelClaim(key: string, ...args: (string | number)[]): Promise<string[]>;
  nextmodelRenew(key: string, ...args: (string | number)[]): Promise<number>;
  nextmodelRelease(key: string, holder: string): Promise<number>;
  nextmodelKeep(...keysAndArgs: (string | number)[]): Promise<number>;
  nextmodelForget(...keysAndArgs: (string | number)[]): Promise<number>;
}

/**
 * Names and sealed answers in Redis or Valkey, one script per call. Every call rejects with `store_unavailable` while
 * the server is away; it reconnects by itself.
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #redis: Redis & Scripts;

  constructor(
    url: string,
    private readonly bounds: IdempotencyBounds,
  ) {
    this.#redis = createRedis(url, COMMAND_TIMEOUT_MS) as Redis & Scripts;
    this.#redis.defineCommand('nextmodelClaim', { numberOfKeys: 1, lua: CLAIM_SCRIPT });
    this.#redis.defineCommand('nextmodelRenew', { numberOfKeys: 1, lua: RENEW_SCRIPT });
    this.#redis.defineCommand('nextmodelRelease', { numberOfKeys: 1, lua: RELEASE_SCRIPT });
    this.#redis.defineCommand('nextmodelKeep', { numberOfKeys: 4, lua: KEEP_SCRIPT });
    this.#redis.defineCommand('nextmodelForget', { numberOfKeys: 3, lua: FORGET_SCRIPT });
  }

  connect(): Promise<void> {
    return connectRedis(this.#redis);
  }

  async claim({ owner, id, fingerprint, holder }: IdempotencyClaim): Promise<IdempotencyState> {
    const name = keysOf(owner).name(id);
    const [kind, subject = '', keyId = '', sealed = ''] = await guarded(
      this.#redis.nextmodelClaim(name, fingerprint, holder, this.bounds.leaseMs),
    );
    if (kind === 'answered') return { kind, answer: { subject, keyId, sealed } };
    return { kind: kind as 'claimed' | 'running' | 'mismatch' };
  }

  async renew({ owner, id }: IdempotencyName, holder: string): Promise<void> {
    await guarded(this.#redis.nextmodelRenew(keysOf(owner).name(id), holder, this.bounds.leaseMs));
  }

  async keep({ owner, id }: IdempotencyName, holder: string, answer: SealedAnswer): Promise<void> {
    const keys = keysOf(owner);
    const { subject, keyId, sealed } = answer;
    const { keepMs, ownerAnswersMax, ownerCharsMax } = this.bounds;
    const named = [keys.name(id), keys.order, keys.sizes, keys.subject(subject)];
    const given = [holder, subject, keyId, sealed, keepMs, ownerAnswersMax, ownerCharsMax];
    await guarded(this.#redis.nextmodelKeep(...named, ...given));
  }

  async release({ owner, id }: IdempotencyName, holder: string): Promise<void> {
    await guarded(this.#redis.nextmodelRelease(keysOf(owner).name(id), holder));
  }

  async forget(owner: string, subject: string): Promise<void> {
    const keys = keysOf(owner);
    await guarded(this.#redis.nextmodelForget(keys.subject(subject), keys.order, keys.sizes, subject));
  }

  async ping(): Promise<void> {
    await guarded(this.#redis.ping());
  }

  close(): Promise<void> {
    return closeRedis(this.#redis);
  }
}

interface OwnerKeys {
  readonly order: string;
  readonly sizes: string;
  name(id: string): string;
  subject(subject: string): string;
}

/** An owner goes in as its hash: it may hold braces, which mean something to a cluster. */
function keysOf(owner: string): OwnerKeys {
  const own = `${PREFIX}{${createHash('sha256').update(owner).digest('hex').slice(0, 32)}}:`;
  return {
    order: `${own}order`,
    sizes: `${own}sizes`,
    name: (id) => `${own}name:${id}`,
    subject: (subject) => `${own}subject:${subject}`,
  };
}

const guarded = <T>(call: Promise<T>): Promise<T> => answered(call, 'The store of idempotent answers does not answer.');
