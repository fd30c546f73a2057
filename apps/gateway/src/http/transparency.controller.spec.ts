import type { ReceiptId } from '#events/domain/ids.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKeyRing, issueKey } from '#access/access.module.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { createSystemClock } from '#events/events.module.js';
import type { Receipt } from '#events/domain/receipt.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { checkInclusion } from '#transparency/domain/check-inclusion.js';
import { decodeEntryBundle } from '#transparency/domain/entry-bundle.js';
import { NODE_CRYPTO, openSigner, startSequencer } from '#transparency/transparency.module.js';
import { createHttpServer, type HttpServer } from '../http-server.js';
import type { HotLane } from '../hot-lane/hot-lane.js';
import { TransparencyDesk } from '../transparency/transparency-desk.js';
import type { GatewayParts } from './gateway-parts.js';

const ADMIN = 'admin-token-for-tests-0123456789';
const COUNT = 300;
const clock = createSystemClock();
const log = createMemoryLog();
const keys = createKeyRing();
const folder = mkdtempSync(join(tmpdir(), 'transparency-'));
const paths = { directory: join(folder, 'transparency'), keyFile: join(folder, 'secrets', 'transparency-key') };
const onWrongAdminCredential = () => undefined;
let desk: TransparencyDesk;
const ids = Array.from({ length: COUNT }, () => clock.newReceiptId());
let http: HttpServer;
let bearer = '';
let stranger = '';

const makeKey = (name: string, tenantId: string): string => {
  const wish = { name, tenantId, projectId: 'p', models: [], limits: {}, budgetUsd: null };
  const { key, event } = issueKey(wish, clock);
  keys.apply({ type: 'nextmodel.apikey.created.v1', id: name, source: 's', time: event.createdAt, data: event });
  return key;
};

beforeAll(async () => {
  bearer = makeKey('own', 'acme');
  stranger = makeKey('other', 'other');
  for (const receiptId of ids) await seal(receiptId, 'acme');
  const signer = await openSigner(paths.keyFile);
  const running = startSequencer({
    directory: paths.directory,
    signer,
    reader: log.reader,
    onCheckpoint: () => undefined,
    onRefused: () => undefined,
    onError: () => undefined,
  });
  const transparency = (desk = new TransparencyDesk({ reader: log.reader, directory: paths.directory, signer }));
  const parts = { clock, keys, adminToken: ADMIN, onWrongAdminCredential, transparency } as unknown as GatewayParts;
  http = await createHttpServer({ handle: () => false } as unknown as HotLane, parts, createLogger({ level: 'error' }));
  await vi.waitFor(async () => expect((await get('/transparency/receipts/0/checkpoint', '')).status).toBe(200), {
    timeout: 10_000,
    interval: 50,
  });
  await running.stop();
});
afterAll(async () => {
  await http.app.close();
  rmSync(folder, { recursive: true, force: true });
});

async function seal(receiptId: string, tenantId: string): Promise<void> {
  const now = new Date(clock.nowMs()).toISOString();
  const receipt = {
    receiptId,
    tenantId,
    acceptedAt: now,
    sealedAt: now,
    status: 'ok',
    attempts: [],
  } as unknown as Receipt;
  await log.writer.append([encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, now, receipt)])
    .durable;
}

async function get(url: string, token: string) {
  const answer = await http.app.inject({
    method: 'GET',
    url,
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: answer.statusCode, headers: answer.headers, bytes: answer.rawPayload, text: answer.body };
}

describe('the proof of a receipt over HTTP', () => {
  it('verifies with the event and the key that are served', async () => {
    const key = await get('/transparency/key', '');
    for (const n of [0, 255, 256, COUNT - 1]) {
      const event = await get(`/v1/receipts/rcpt_${ids[n]}/event`, bearer);
      const proof = await get(`/v1/receipts/${ids[n]}/proof`, bearer);

      expect([event.status, proof.status, event.headers['x-nextmodel-log-index']]).toEqual([200, 200, String(n)]);
      const { findings } = checkInclusion(event.bytes, proof.text, key.text, NODE_CRYPTO);
      expect(findings.map(({ state }) => state)).toEqual(['ok', 'ok']);
    }
  });

  it('is as if it did not exist for another tenant, and without a key', async () => {
    for (const what of ['event', 'proof']) {
      expect((await get(`/v1/receipts/${ids[0]}/${what}`, stranger)).status).toBe(404);
      expect((await get(`/v1/receipts/${ids[0]}/${what}`, '')).status).toBe(401);
      expect((await get(`/v1/receipts/nonsense/${what}`, bearer)).status).toBe(404);
    }
  });

  it('comes a moment later than the receipt, and says when to ask again', async () => {
    const fresh = clock.newReceiptId();
    await seal(fresh, 'acme');

    const event = await get(`/v1/receipts/${fresh}/event`, bearer);
    const proof = await get(`/v1/receipts/${fresh}/proof`, bearer);

    expect(event.status).toBe(200);
    expect(proof.status).toBe(404);
    expect(proof.headers['retry-after']).toBe('1');
  });
});

describe('the log as static files', () => {
  it('serves tiles of exactly the widths that the checkpoint covers', async () => {
    const sizes = async (path: string): Promise<number> => {
      const { status, bytes } = await get(`/transparency/receipts/0/${path}`, '');
      return status === 200 ? bytes.length / 32 : -status;
    };

    expect(await sizes('tile/0/000')).toBe(256);
    expect(await sizes('tile/0/001.p/44')).toBe(44);
    expect(await sizes('tile/0/001.p/7')).toBe(7);
    expect(await sizes('tile/1/000.p/1')).toBe(1);
    for (const path of [
      'tile/0/001.p/45',
      'tile/0/001',
      'tile/2/000.p/1',
      'tile/0/1',
      'tile/0/..%2f..%2fsecrets',
      'tile/x',
    ]) {
      expect(await sizes(path), path).toBe(-404);
    }
    expect((await get('/transparency/receipts/7/checkpoint', '')).status).toBe(404);
    expect((await get('/transparency/receipts/..%2f/checkpoint', '')).status).toBe(404);
  });

  it('knows whether a receipt can be proved yet, and tells its own tenant alone', async () => {
    const fresh = clock.newReceiptId();
    await seal(fresh, 'acme');

    expect(await desk.proofState('acme', ids[256] as ReceiptId)).toEqual({
      available: true,
      log: 'receipts/0',
      logIndex: 256,
    });
    expect(await desk.proofState('acme', fresh)).toMatchObject({ available: false });
    expect(await desk.proofState('other', ids[256] as ReceiptId)).toBeNull();
  });

  it('shows entries, which are receipts of all tenants, to the operator alone', async () => {
    const path = '/transparency/receipts/0/tile/entries/001.p/44';

    expect((await get(path, '')).status).toBe(401);
    expect((await get(path, bearer)).status).toBe(401);
    const entries = decodeEntryBundle((await get(path, ADMIN)).bytes) ?? [];

    expect(entries).toHaveLength(44);
    expect(JSON.parse(Buffer.from(entries[0] ?? []).toString())).toMatchObject({ receiptId: ids[256] });
  });
});
