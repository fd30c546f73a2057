import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { signedLog, testSigner, type TestLog } from '../../__fixtures__/receipt-log.js';
import { signedNote, testWitness } from '../../__fixtures__/test-witness.js';
import { createVerifierKey } from '../../domain/verifier-key.js';
import { CosignedKeeper } from '../../usecases/keep-cosigned.js';
import { proveEntry } from '../../usecases/prove-entry.js';
import { createTreeHash } from '../../domain/tree-hash.js';
import { verifyEd25519 } from '../node-crypto/ed25519.js';
import { sha256 } from '../node-crypto/sha256.js';
import { CosignatureInbox } from './cosignature-inbox.js';

const [a, b] = [testWitness('a'), testWitness('bb')];
const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function inboxOf({ store }: TestLog) {
  const folder = mkdtempSync(join(tmpdir(), 'cosignatures-'));
  folders.push(folder);
  const key = createVerifierKey('test.example/receipts/0', testSigner.publicKey, sha256);
  const keeper = new CosignedKeeper({
    witnesses: [a.key, b.key],
    verify: verifyEd25519,
    logOf: (origin) => (origin === key.name ? { key, store } : null),
  });
  const failures: string[] = [];
  const inbox = new CosignatureInbox(
    folder,
    (note) => keeper.add(note),
    (error) => failures.push((error as Error).message),
  );
  const drop = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  return { inbox, drop, failures, left: () => readdirSync(folder).toSorted() };
}

describe('cosigned checkpoints dropped as files', () => {
  it('are kept beside the checkpoint and prove its entries from then on', async () => {
    const log = await signedLog(5);
    const { inbox, drop, failures, left } = inboxOf(log);
    drop('one.note', `${log.note}${a.cosign(log.note, 10)}`);
    drop('two.txt', `${log.note}${b.cosign(log.note, 11)}`);
    drop('three.new', 'still being written');

    await inbox.look();

    expect([failures, left()]).toEqual([[], ['three.new']]);
    expect(await log.store.readCosigned()).toEqual([`${log.note}${a.cosign(log.note, 10)}${b.cosign(log.note, 11)}`]);
    const proof = await proveEntry(log.store, 2, createTreeHash(sha256));
    expect(proof.kind === 'proved' && proof.proof).toContain('\n— bb ');
  });

  it('are set aside with a reason when they are of strangers, of another log, or no notes', async () => {
    const log = await signedLog(5);
    const { inbox, drop, failures, left } = inboxOf(log);
    const strange = signedNote(5, 'other.example/receipts/0');
    drop('1.note', `${log.note}${testWitness('stranger').cosign(log.note, 1)}`);
    drop('2.note', `${strange}${a.cosign(strange, 1)}`);
    drop('3.note', 'hello');
    drop('4.note', '');

    await inbox.look();
    await inbox.look();

    expect(failures.map((failure) => failure.split(':')[0])).toEqual(['1.note', '2.note', '3.note', '4.note']);
    expect(failures[1]).toContain('is no log of this installation');
    expect(left()).toEqual(['1.note.refused', '2.note.refused', '3.note.refused', '4.note.refused']);
    expect(await log.store.readCosigned()).toEqual([]);
  });
});
