import { describe, expect, it } from 'vitest';
import { MemoryKeyStore } from '../memory/memory-key-store.js';
import type { CommitmentSalts } from '../../ports/content-cipher.js';
import type { SubjectKey } from '../../ports/subject-key-store.js';
import { AesCipher } from './aes-cipher.js';

const MASTER = 'ab'.repeat(32);
const NOW = 1_790_000_000_000;
const MINUTE = 60_000;

/** The same keys on another machine. */
function remote(inner: MemoryKeyStore) {
  return {
    immediate: false,
    put: (key: SubjectKey) => Promise.resolve(inner.put(key)),
    get: (keyId: string) => Promise.resolve(inner.get(keyId)),
    newest: () => null,
    erase: (subject: string, beforeMs: number) => Promise.resolve(inner.erase(subject, beforeMs)),
    close: () => Promise.resolve(),
  };
}

describe('content sealed with a key per subject', () => {
  it('opens in another process with the same master key and store, and in none with one of them', () => {
    const store = new MemoryKeyStore();
    const { keyId, sealed } = new AesCipher(MASTER, store).seal('acme:a', 'text');

    expect(new AesCipher(MASTER, store).open(keyId, sealed)).toBe('text');
    expect(new AesCipher('cd'.repeat(32), store).open(keyId, sealed)).toBeNull();
    expect(new AesCipher(MASTER, new MemoryKeyStore()).open(keyId, sealed)).toBeNull();
    expect(new AesCipher(MASTER, null).open(keyId, sealed)).toBeNull();
  });

  it('opens for nobody after an erasure, master key and ciphertext in hand, and others stay readable', () => {
    const store = new MemoryKeyStore();
    const cipher = new AesCipher(MASTER, store, () => NOW);
    const mine = cipher.seal('acme:a', 'mine');
    const theirs = cipher.seal('acme:b', 'theirs');

    void cipher.erase('acme:a', NOW);

    expect(cipher.open(mine.keyId, mine.sealed)).toBeNull();
    expect(new AesCipher(MASTER, store).open(mine.keyId, mine.sealed)).toBeNull();
    expect(cipher.open(theirs.keyId, theirs.sealed)).toBe('theirs');
  });

  it('uses one key per subject and process, and the same in the next process', () => {
    const store = new MemoryKeyStore();
    const cipher = new AesCipher(MASTER, store);

    const ids = [cipher, cipher, new AesCipher(MASTER, store)].map((each) => each.seal('acme:a', 'x').keyId);

    expect(new Set(ids).size).toBe(1);
    expect(cipher.seal('acme:b', 'x').keyId).not.toBe(ids[0]);
  });

  it('reads content of derived keys until the subject is erased', () => {
    const { keyId, sealed } = new AesCipher(MASTER, null).seal('acme:a', 'old');
    const cipher = new AesCipher(MASTER, new MemoryKeyStore());

    const before = cipher.open(keyId, sealed);
    void cipher.erase('acme:a', NOW);

    expect(keyId).toBe('acme:a/1');
    expect(before).toBe('old');
    expect(cipher.open(keyId, sealed)).toBeNull();
    expect(cipher.keyState(keyId, NOW)).toBe('gone');
  });

  it('keeps nothing readable within a minute of an erasure, and new content again after it', () => {
    const store = new MemoryKeyStore();
    let nowMs = NOW;
    const cipher = new AesCipher(MASTER, store, () => nowMs);
    void cipher.erase('acme:a', NOW);

    nowMs = NOW + MINUTE - 1;
    const within = cipher.seal('acme:a', 'within');
    nowMs = NOW + MINUTE;
    const after = cipher.seal('acme:a', 'after');
    // Every start says every erasure again.
    void cipher.erase('acme:a', NOW);

    expect(cipher.open(within.keyId, within.sealed)).toBeNull();
    expect(cipher.open(after.keyId, after.sealed)).toBe('after');
  });

  it('lets an erasure that the key outlived end at the next start', () => {
    const store = new MemoryKeyStore();
    const { keyId, sealed } = new AesCipher(MASTER, store, () => NOW).seal('acme:a', 'text');

    const next = new AesCipher(MASTER, store);
    void next.erase('acme:a', NOW + 1);

    expect(store.get(keyId)).toBeNull();
    expect(next.open(keyId, sealed)).toBeNull();
  });

  it('seals all the same when the store of keys fails, for nobody to read', () => {
    const broken = Object.assign(new MemoryKeyStore(), {
      put: () => {
        throw new Error('disk');
      },
    });
    const cipher = new AesCipher(MASTER, broken);

    const { keyId, sealed } = cipher.seal('acme:a', 'text');

    expect(cipher.open(keyId, sealed)).toBeNull();
  });

  it('fetches remote keys first, and waits for those that are on their way', async () => {
    const inner = new MemoryKeyStore();
    const writer = new AesCipher(MASTER, remote(new MemoryKeyStore()), () => NOW);
    const late = writer.seal('acme:a', 'late');
    const known = new AesCipher(MASTER, remote(inner), () => NOW).seal('acme:b', 'known');
    const reader = new AesCipher(MASTER, remote(inner), () => NOW + 1_000);

    const unfetched = reader.open(known.keyId, known.sealed);
    const state = await reader.keyState(known.keyId, NOW);

    expect(unfetched).toBeNull();
    expect(state).toBe('held');
    expect(reader.open(known.keyId, known.sealed)).toBe('known');
    expect(await reader.keyState(late.keyId, NOW)).toBe('awaited');
    expect(await reader.keyState(late.keyId, NOW - MINUTE)).toBe('gone');
    await reader.erase('acme:a', NOW);
    expect(await reader.keyState(late.keyId, NOW)).toBe('gone');
  });

  it('opens nothing that was changed or moved under another key id', () => {
    const cipher = new AesCipher(MASTER, new MemoryKeyStore());
    const { keyId, sealed } = cipher.seal('acme:a', 'text');
    const changed = Buffer.from(sealed, 'base64');
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;

    expect(cipher.open(keyId, changed.toString('base64'))).toBeNull();
    expect(cipher.open(keyId, '')).toBeNull();
    expect(cipher.open(cipher.seal('acme:b', 'x').keyId, sealed)).toBeNull();
    expect(cipher.open('acme:a/3', sealed)).toBeNull();
    expect(cipher.open('nothing', sealed)).toBeNull();
  });
});

const hex = ({ request, response }: CommitmentSalts): string[] =>
  [request, response].map((salt) => Buffer.from(salt).toString('hex'));

describe('salts of commitments', () => {
  it('can be made again in another process from the key that they name, and are others for every receipt', () => {
    const store = new MemoryKeyStore();
    const salts = new AesCipher(MASTER, store).saltKey('acme:a').saltsOf('r1');
    const other = new AesCipher(MASTER, store);

    const again = other.openSaltKey(salts.keyId)?.saltsOf('r1');

    expect(again && hex(again)).toEqual(hex(salts));
    expect(hex(salts)).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    ]);
    expect(new Set([...hex(salts), ...hex(other.saltKey('acme:a').saltsOf('r2'))]).size).toBe(4);
  });

  it('need the random key: the master key and another store make others', () => {
    const salts = new AesCipher(MASTER, new MemoryKeyStore()).saltKey('acme:a').saltsOf('r1');
    const stranger = new AesCipher(MASTER, new MemoryKeyStore());

    expect(stranger.openSaltKey(salts.keyId)).toBeNull();
    expect(hex(stranger.saltKey('acme:a').saltsOf('r1'))).not.toEqual(hex(salts));
  });

  it('die with the key, in the process that erases and in every other', () => {
    const store = new MemoryKeyStore();
    const cipher = new AesCipher(MASTER, store, () => NOW);
    const { keyId } = cipher.saltKey('acme:a').saltsOf('r1');

    void cipher.erase('acme:a', NOW);
    const within = cipher.saltKey('acme:a').saltsOf('r2');

    expect([cipher.openSaltKey(keyId), new AesCipher(MASTER, store).openSaltKey(keyId)]).toEqual([null, null]);
    expect(cipher.openSaltKey(within.keyId)).toBeNull();
  });

  it('are made from a derived key where no store is shared, and refused after an erasure', () => {
    const cipher = new AesCipher(MASTER, null, () => NOW);
    const { keyId } = cipher.saltKey('acme:a').saltsOf('r1');
    const before = cipher.openSaltKey(keyId);

    void cipher.erase('acme:a', NOW);

    expect([before === null, cipher.openSaltKey(keyId)]).toEqual([false, null]);
  });
});
