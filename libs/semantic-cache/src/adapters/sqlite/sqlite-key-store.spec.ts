import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { subjectKey, subjectKeyStoreContract } from '../../ports/subject-key-store.contract.js';
import { SqliteKeyStore } from './sqlite-key-store.js';

const folder = (): string => mkdtempSync(join(tmpdir(), 'nextmodel-keys-'));
const bytesIn = (path: string): Buffer =>
  Buffer.concat(readdirSync(path).map((name) => readFileSync(join(path, name))));

subjectKeyStoreContract('file', () => Promise.resolve(new SqliteKeyStore(join(folder(), 'keys.sqlite'))));

describe('the file of subject keys', () => {
  it('leaves no byte of an erased key in any of its files, while other processes have it open', () => {
    const path = folder();
    const store = new SqliteKeyStore(join(path, 'keys.sqlite'));
    const other = new SqliteKeyStore(join(path, 'keys.sqlite'));
    const secret = Buffer.from('a wrapped key that must not be found any more, sixty bytes..');
    store.put({ ...subjectKey('acme:a', 1), wrapped: secret });
    for (let n = 2; n < 200; n += 1) store.put(subjectKey('acme:b', n));
    const seenBefore = other.get('acme:a/2.1') !== null && bytesIn(path).includes(secret);

    store.erase('acme:a', Number.MAX_SAFE_INTEGER);

    expect(seenBefore).toBe(true);
    expect(bytesIn(path).includes(secret)).toBe(false);
    expect(other.get('acme:a/2.1')).toBeNull();
    expect(other.get('acme:b/2.199')).not.toBeNull();
    store.close();
    other.close();
  });

  it('is shared by processes, private to its owner and still there at the next start', () => {
    const path = join(folder(), 'keys.sqlite');
    const first = new SqliteKeyStore(path);
    const second = new SqliteKeyStore(path);

    first.put(subjectKey('acme:a', 1, 5));
    first.put(subjectKey('acme:a', 2, 6));

    expect(second.newest('acme:a')?.keyId).toBe('acme:a/2.2');
    expect(second.newest('acme:b')).toBeNull();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    first.close();
    second.close();
    const again = new SqliteKeyStore(path);
    expect(again.get('acme:a/2.1')).not.toBeNull();
    again.close();
  });

  it('says that it cannot be opened where there is no folder', () => {
    const path = join(folder(), 'nowhere', 'keys.sqlite');

    expect(() => new SqliteKeyStore(path)).toThrow(expect.objectContaining({ code: 'store_unavailable' }));
  });
});
