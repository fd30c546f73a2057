import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RouterError } from '#events/domain/router-error.js';
import type { EnvironmentSettings } from '../../domain/settings.js';
import { createFile } from './atomic-file.js';

export interface Secret {
  readonly value: string;
  /** Made by this start: show it once. */
  readonly madeNow: boolean;
}

export interface DataSecrets {
  /** First virtual key, `nm_<keyid>_<secret>` when made here. */
  readonly apiKey: Secret;
  readonly adminToken: Secret;
  readonly sqlPassword: Secret;
  /** 64 hex digits when made here. */
  readonly masterKey: Secret;
}
export type GivenSecrets = Partial<Pick<EnvironmentSettings, keyof DataSecrets>>;

const FILES: { readonly [S in keyof DataSecrets]: { readonly file: string; readonly make: () => string } } = {
  apiKey: { file: 'api-key', make: () => `nm_${hex(6)}_${hex(32)}` },
  adminToken: { file: 'admin-token', make: () => `nmadmin_${hex(32)}` },
  sqlPassword: { file: 'sql-password', make: () => hex(16) },
  masterKey: { file: 'master-key', make: () => hex(32) },
};
const NAMES = Object.keys(FILES) as (keyof DataSecrets)[];
const hex = (byteCount: number): string => randomBytes(byteCount).toString('hex');

/** Given values win and are not written; the others are read, and made where they are missing. */
export async function ensureSecrets(folder: string, given: GivenSecrets): Promise<DataSecrets> {
  const entries = NAMES.map(async (name): Promise<[keyof DataSecrets, Secret]> => {
    const value = given[name] ?? null;
    return [name, value === null ? await readOrMake(folder, name) : { value, madeNow: false }];
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as DataSecrets;
}

/** What is there, without making anything: for tools beside a running instance. */
export async function findSecrets(
  folder: string,
  given: GivenSecrets,
): Promise<{ readonly [S in keyof DataSecrets]: string | null }> {
  const entries = NAMES.map(async (name) => [name, given[name] ?? (await readSecret(folder, name))] as const);
  return Object.fromEntries(await Promise.all(entries)) as { [S in keyof DataSecrets]: string | null };
}

async function readOrMake(folder: string, name: keyof DataSecrets): Promise<Secret> {
  const found = await readSecret(folder, name);
  if (found !== null) return { value: found, madeNow: false };
  const value = FILES[name].make();
  if (await createFile(join(folder, FILES[name].file), `${value}\n`)) return { value, madeNow: true };
  return { value: (await readSecret(folder, name)) ?? value, madeNow: false };
}

async function readSecret(folder: string, name: keyof DataSecrets): Promise<string | null> {
  const path = join(folder, FILES[name].file);
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (text === '') {
    throw new RouterError({
      code: 'configuration',
      publicMessage: `The secret file ${FILES[name].file} is empty. Restore it, or delete it to have a new one made.`,
    });
  }
  await chmod(path, 0o600).catch(() => {});
  return text;
}
