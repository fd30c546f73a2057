import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { noteSignerContract } from '../../ports/note-signer.contract.js';
import { openSigner } from '../../transparency.module.js';

const root = mkdtempSync(join(tmpdir(), 'signing-key-'));
const keyFile = join(root, 'secrets', 'transparency-key');
afterAll(() => rmSync(root, { recursive: true, force: true }));

noteSignerContract('key file', () => openSigner(keyFile));

describe('the signing key file', () => {
  it('is made once, for its owner alone, and found by many at once', async () => {
    const path = join(root, 'many', 'key');

    const signers = await Promise.all(Array.from({ length: 8 }, () => openSigner(path)));

    expect(new Set(signers.map((signer) => Buffer.from(signer.publicKey).toString('hex'))).size).toBe(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toMatch(
      /^PRIVATE\+KEY\+nextmodel-[0-9a-f]{12}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}\n$/,
    );
  });

  it('may be the operator’s own, in the form of Go', async () => {
    const path = join(root, 'own');
    writeFileSync(path, 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n');

    const signer = await openSigner(path);

    expect(signer.name).toBe('PeterNeumann');
    expect(Buffer.from(signer.publicKey).toString('base64')).toBe('GlzZBxQ8OExB6DDFvOEqqIF+xWSaqr8sMTiLNbLXRNY=');
  });

  it('is never replaced when it cannot be read', async () => {
    const path = join(root, 'broken');
    writeFileSync(path, 'something');

    await expect(openSigner(path)).rejects.toMatchObject({ code: 'configuration' });
    expect(readFileSync(path, 'utf8')).toBe('something');
  });
});
