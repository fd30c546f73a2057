import { readFile } from 'node:fs/promises';
import {
  NO_EXTRAS,
  parseBundle,
  parseSalts,
  type BodyEvidence,
  type Evidence,
} from '#gateway/dashboard/verify/evidence.js';
import type { TileReader } from '#transparency/ports/tile-store.js';
import { UsageError } from '../output.js';
import type { VerifyOptions } from './verify-options.js';

/** What was given or fetched, and where the log's tiles can be had. */
export interface Gathered {
  readonly evidence: Evidence;
  /** Tiles of the running instance; `null` offline. */
  readonly tiles: ((origin: string) => TileReader) | null;
}

/**
 * Reads the evidence from files, or fetches it from the running instance when a receipt is named.
 * @throws UsageError when neither was given, or a file cannot be read.
 */
export async function gatherEvidence(options: VerifyOptions, id: string | null): Promise<Gathered> {
  if (id === null) {
    const evidence = await offline(options);
    return { evidence: { ...evidence, bodies: await readBodies(options, null) }, tiles: null };
  }
  // Offline checks must not wait for the client and the settings.
  const { fetchEvidence } = await import('./fetch-evidence.js');
  const wantsSalts = options.salts === undefined && (options.request ?? options.response) !== undefined;
  const fetched = await fetchEvidence(id, options.save ?? null, wantsSalts);
  const keyed = await withKey(fetched.evidence, options.key);
  return { evidence: { ...keyed, bodies: await readBodies(options, fetched.salts) }, tiles: fetched.tiles };
}

async function offline({ evidence, event, proof, key }: VerifyOptions): Promise<Evidence> {
  if (evidence !== undefined) {
    const bundle = parseBundle(await readText(evidence));
    if (typeof bundle === 'string') throw new UsageError(`${evidence}: ${bundle}`);
    return withKey(bundle, key);
  }
  if (event === undefined || proof === undefined || key === undefined) {
    throw new UsageError(
      'give --event, --proof and --key, or --evidence, or a receipt id; see nextmodel verify --help',
    );
  }
  const [bytes, proofText, keys] = await Promise.all([readBytes(event), readText(proof), readKeys(key)]);
  return { event: bytes, proof: proofText, keys, keysFrom: 'given', ...NO_EXTRAS };
}

async function withKey(evidence: Evidence, key: string | undefined): Promise<Evidence> {
  return key === undefined ? evidence : { ...evidence, keys: await readKeys(key), keysFrom: 'given' };
}

async function readBodies(options: VerifyOptions, fetched: string | null): Promise<BodyEvidence | null> {
  const { request, response, salts } = options;
  if (request === undefined && response === undefined) return null;
  const text = salts === undefined ? fetched : await readText(salts);
  const read = text === null ? { requestSalt: null, responseSalt: null } : parseSalts(text);
  if (typeof read === 'string') throw new UsageError(`${salts ?? 'the salts'}: ${read}`);
  return {
    ...read,
    request: request === undefined ? null : await readBytes(request),
    response: response === undefined ? null : await readBytes(response),
  };
}

/** The key itself, several with commas between them, or a file with one key a line. */
export async function readKeys(text: string): Promise<string> {
  const keys = text.split(',');
  return keys.every((key) => /^[^+/\s][^+\s]*\+[0-9a-f]{8}\+\S+$/.test(key)) ? keys.join('\n') : readText(text);
}

export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}
