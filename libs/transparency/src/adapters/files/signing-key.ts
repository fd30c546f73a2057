import { hash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RouterError } from '#events/domain/router-error.js';

/** A log's secret: the name that begins its origins, and the 32 bytes of its Ed25519 key. */
export interface SigningKey {
  readonly name: string;
  readonly seed: Uint8Array;
}

const ED25519 = 1;

/**
 * Reads the signing key, and makes one (file mode 0600, folder 0700) where there is none. The file holds one line in
 * the form of Go's note package: `PRIVATE+KEY+<name>+<id>+<base64(0x01 ‖ seed)>`. An operator may put a key with a name
 * of their own there before the first start; afterwards it is the identity of all receipts' proofs: back it up.
 * @throws RouterError `configuration` when the file is there but is no such line.
 */
export async function readOrMakeSigningKey(
  path: string,
  toPublicKey: (seed: Uint8Array) => Uint8Array,
): Promise<SigningKey> {
  const found = await readSigningKey(path);
  if (found !== null) return found;
  const seed = randomBytes(32);
  const name = signerName(toPublicKey(seed));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await createFile(path, formatSigningKey({ name, seed }, toPublicKey(seed)));
  // Another process may have been quicker; its key is the one.
  return (await readSigningKey(path)) ?? { name, seed };
}

/** The name of a key that nobody has named. */
export function signerName(publicKey: Uint8Array): string {
  return `nextmodel-${hash('sha256', publicKey).slice(0, 12)}`;
}

/** `null` when there is none yet. @throws RouterError `configuration` when it cannot be understood. */
export async function readSigningKey(path: string): Promise<SigningKey | null> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const match = /^PRIVATE\+KEY\+([^\s+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)$/.exec(text);
  const bytes = Buffer.from(match?.[2] ?? '', 'base64');
  if (match === null || bytes.length !== 33 || bytes[0] !== ED25519) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: `The signing key in ${path} cannot be read. Restore it from a backup; with a new key old proofs need the old public key.`,
    });
  }
  return { name: match[1] ?? '', seed: new Uint8Array(bytes.subarray(1)) };
}

function formatSigningKey({ name, seed }: SigningKey, publicKey: Uint8Array): string {
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey])).slice(0, 8);
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(ED25519), seed]).toString('base64')}\n`;
}

/** Makes a whole file or finds that there is one. */
async function createFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
