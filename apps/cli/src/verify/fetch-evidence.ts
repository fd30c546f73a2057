import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axios, { isAxiosError } from 'axios';
import { readSecrets } from '#config/config.module.js';
import { parseReceiptId } from '#events/domain/ids.js';
import { RouterError } from '#events/domain/router-error.js';
import { parseBundle, type Evidence } from '#gateway/dashboard/verify/evidence.js';
import { parseCheckpoint } from '#transparency/domain/checkpoint.js';
import { parseLogProof } from '#transparency/domain/log-proof.js';
import { tilePath, tileWidth } from '#transparency/domain/tile.js';
import type { TileReader } from '#transparency/ports/tile-store.js';
import { requireSettings } from '../load-settings.js';
import { UsageError } from '../output.js';

const PROOF_WAIT_MS = 5_000;
const TIMEOUT_MS = 10_000;

export interface FetchedEvidence {
  readonly evidence: Evidence;
  /** JSON of `GET /v1/receipts/{id}/salts`; `null` unless they were wanted. */
  readonly salts: string | null;
  readonly tiles: (origin: string) => TileReader;
}

/**
 * Gets all evidence of a receipt from the running instance.
 * @param save a folder that keeps it for a check without an instance; `null` = none.
 * @throws RouterError `store_unavailable` when nothing answers, `not_found` when this key has no such receipt.
 */
export async function fetchEvidence(id: string, save: string | null, wantsSalts: boolean): Promise<FetchedEvidence> {
  const receiptId = parseReceiptId(id);
  if (receiptId === null) throw new UsageError(`"${id}" is no receipt id`);
  const settings = requireSettings();
  const { environment } = settings;
  const { apiKey } = await readSecrets(environment.dataDir, environment);
  const host = environment.host.includes(':') ? `[${environment.host}]` : environment.host;
  const base = `http://${host}:${environment.port}`;
  const get = (path: string): Promise<Uint8Array> => fetchBytes(`${base}${path}`, apiKey ?? '');
  const bundle = await untilSequenced(() => get(`/v1/receipts/${receiptId}/evidence`));
  const evidence = parseBundle(text(bundle));
  if (typeof evidence === 'string') throw new RouterError({ code: 'internal', publicMessage: evidence });
  const salts = wantsSalts ? await get(`/v1/receipts/${receiptId}/salts`) : null;
  if (save !== null) {
    await mkdir(save, { recursive: true });
    await writeFile(join(save, `${receiptId}.json`), evidence.event);
    await writeFile(join(save, `${receiptId}.tlog-proof`), evidence.proof);
    await writeFile(join(save, `${receiptId}.evidence.json`), bundle);
    await writeFile(join(save, 'transparency-key'), evidence.keys);
    if (salts !== null) await writeFile(join(save, `${receiptId}.salts.json`), salts, { mode: 0o600 });
  }
  return {
    evidence,
    salts: salts === null ? null : text(salts),
    tiles: (origin) => servedTiles(get, origin, sizesOf(evidence.proof)),
  };
}

/** Tiles over HTTP, at the width that the larger of the compared trees gives them. */
function servedTiles(get: (path: string) => Promise<Uint8Array>, origin: string, proofSize: number): TileReader {
  const prefix = `/transparency/receipts/${origin.slice(origin.lastIndexOf('/') + 1)}`;
  return {
    readTile: async (place) => {
      const head = parseCheckpoint(text(await get(`${prefix}/checkpoint`)));
      const size = typeof head === 'string' ? proofSize : head.checkpoint.size;
      return get(`${prefix}/${tilePath({ ...place, width: tileWidth(place, size) })}`).catch(() => null);
    },
  };
}

function sizesOf(proof: string): number {
  const parsed = parseLogProof(proof);
  const checkpoint = typeof parsed === 'string' ? parsed : parseCheckpoint(parsed.checkpoint);
  return typeof checkpoint === 'string' ? 0 : checkpoint.checkpoint.size;
}

/** A receipt of this very second gets its proof in the next one. */
async function untilSequenced(get: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const until = Date.now() + PROOF_WAIT_MS;
  for (;;) {
    try {
      return await get();
    } catch (error) {
      if (!(error instanceof RouterError && error.retryable) || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function fetchBytes(url: string, apiKey: string): Promise<Uint8Array> {
  try {
    const answer = await axios.get<ArrayBuffer>(url, {
      headers: { authorization: `Bearer ${apiKey}` },
      responseType: 'arraybuffer',
      timeout: TIMEOUT_MS,
      maxRedirects: 0,
    });
    return new Uint8Array(answer.data);
  } catch (error) {
    if (isAxiosError(error) && error.response !== undefined) {
      const retryable = error.response.headers['retry-after'] !== undefined;
      throw new RouterError({ code: 'not_found', publicMessage: messageOf(error.response), retryable, cause: error });
    }
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: `No instance answers at ${new URL(url).origin}. With --event, --proof and --key none is needed.`,
      cause: error,
    });
  }
}

function messageOf(response: { readonly status: number; readonly data: unknown }): string {
  try {
    const body = JSON.parse(text(new Uint8Array(response.data as ArrayBuffer))) as { error?: { message?: string } };
    return body.error?.message ?? `the instance answered ${response.status}`;
  } catch {
    return `the instance answered ${response.status}`;
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
