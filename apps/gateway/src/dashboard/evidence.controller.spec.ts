import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKeyRing, issueKey } from '#access/access.module.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { createSystemClock } from '#events/events.module.js';
import type { Receipt } from '#events/domain/receipt.js';
import { priceRecordText } from '#pricing/domain/price-record.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { createContentCipher, openKeyFile } from '#semantic-cache/semantic-cache.module.js';
import { NODE_CRYPTO, openSigner, startSequencer } from '#transparency/transparency.module.js';
import type { HotLane } from '../hot-lane/hot-lane.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import { createHttpServer, type HttpServer } from '../http-server.js';
import { TransparencyDesk } from '../transparency/transparency-desk.js';
import { ANSWER, commit, makeReceipt, PRICE, REQUEST } from '../../test/verify/logged-receipt.js';
import { checkEvidence } from './verify/check-evidence.js';
import { checkBodies } from './verify/check-bodies.js';
import { parseBundle, parseSalts, type Evidence } from './verify/evidence.js';

const clock = createSystemClock();
const log = createMemoryLog();
const keys = createKeyRing();
const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
const paths = { directory: join(folder, 'transparency'), keyFile: join(folder, 'secrets', 'transparency-key') };
const cipher = createContentCipher('ab'.repeat(32), openKeyFile(join(folder, 'subject-keys.sqlite')));

const receiptId = clock.newReceiptId();
const salts = cipher.saltKey('acme:ada').saltsOf(receiptId);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const receipt: Receipt = {
  ...makeReceipt(),
  receiptId,
  acceptedAt: new Date(Number.parseInt(receiptId.replaceAll('-', '').slice(0, 12), 16)).toISOString(),
  saltKeyId: salts.keyId,
  requestCommitment: commit(hex(salts.request), REQUEST),
  responseCommitment: commit(hex(salts.response), ANSWER),
};
const olderId = clock.newReceiptId();
/** As receipts were before salts came from the subject's key. */
const { saltKeyId: _, ...older } = {
  ...receipt,
  receiptId: olderId,
  requestCommitment: commit(hex(cipher.salt('acme', `${olderId}/request`)), REQUEST),
};
/** What the store answers; tests change it. */
let stored: Receipt | null = receipt;
let lastOffset: bigint | null = 0n;
let http: HttpServer;
let bearer = '';
let stranger = '';

const makeKey = (name: string, tenantId: string): string => {
  const { key, event } = issueKey({ name, tenantId, projectId: 'p', models: [], limits: {}, budgetUsd: null }, clock);
  keys.apply({ type: 'nextmodel.apikey.created.v1', id: name, source: 's', time: event.createdAt, data: event });
  return key;
};

const ignore = (): undefined => undefined;

beforeAll(async () => {
  bearer = makeKey('own', 'acme');
  stranger = makeKey('other', 'other');
  const time = new Date(clock.nowMs()).toISOString();
  const sealed = [receipt, older].map((each) =>
    encodeEvent('nextmodel.receipt.sealed.v1', `${each.receiptId}/sealed`, each.receiptId, time, each),
  );
  await log.writer.append(sealed).durable;
  const running = startSequencer({
    directory: paths.directory,
    signer: await openSigner(paths.keyFile),
    reader: log.reader,
    onCheckpoint: ignore,
    onRefused: ignore,
    onError: ignore,
  });
  const transparency = new TransparencyDesk({
    reader: log.reader,
    directory: paths.directory,
    signer: await openSigner(paths.keyFile),
  });
  const parts = {
    clock,
    keys,
    adminToken: 'admin-token-for-tests-0123456789',
    transparency,
    cipher,
    prices: { recordText: () => priceRecordText(PRICE) },
    store: { find: () => Promise.resolve(stored), lastOffset: () => Promise.resolve(lastOffset) },
  } as unknown as GatewayParts;
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

async function get(url: string, token = bearer) {
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const answer = await http.app.inject({ method: 'GET', url, headers });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body };
}
const bodyStates = async (id: string, request: string): Promise<string[]> => {
  const read = parseSalts((await get(`/v1/receipts/${id}/salts`)).text);
  if (typeof read === 'string') throw new Error(read);
  const bodies = { ...read, request: new TextEncoder().encode(request), response: null };
  const of = id === receiptId ? receipt : older;
  return checkBodies(of, bodies, NODE_CRYPTO.digest).map(({ state }) => state);
};
const fetchEvidence = async (): Promise<Evidence> =>
  parseBundle((await get(`/v1/receipts/rcpt_${receiptId}/evidence`)).text) as Evidence;
const statesOf = (evidence: Evidence): string[] =>
  checkEvidence(evidence, receiptId, NODE_CRYPTO).findings.map(({ what, state }) => `${what} ${state}`);

describe('the evidence of a receipt', () => {
  it('is enough for every check, together with the salts and the bodies', async () => {
    const evidence = await fetchEvidence();
    const read = parseSalts((await get(`/v1/receipts/${receiptId}/salts`)).text);
    if (typeof read === 'string') throw new Error(read);
    const [request, response] = [REQUEST, ANSWER].map((text) => new TextEncoder().encode(text));

    const states = statesOf({ ...evidence, bodies: { ...read, request: request!, response: response! } });

    expect(states.join(', ')).toBe(
      'key unknown, checkpoint ok, inclusion ok, receipt ok, fields ok, sums ok, cost ok, price ok, sql ok, body ok, body ok',
    );
  });

  it('holds no salt', async () => {
    const { text, headers } = await get(`/v1/receipts/${receiptId}/evidence`);

    expect(text).not.toContain(hex(salts.request));
    expect(headers['cache-control']).toBe('no-store');
  });

  it('says that SQL lost the row only where SQL has all up to it', async () => {
    stored = null;
    const missing = statesOf(await fetchEvidence());
    lastOffset = -1n;
    const behind = statesOf(await fetchEvidence());
    [stored, lastOffset] = [receipt, 0n];

    expect(missing).toContain('sql wrong');
    expect(behind).not.toContain('sql wrong');
  });

  it.each(['evidence', 'salts'])(
    'is as if it did not exist for another tenant, and without a key: %s',
    async (what) => {
      expect((await get(`/v1/receipts/${receiptId}/${what}`, stranger)).status).toBe(404);
      expect((await get(`/v1/receipts/${receiptId}/${what}`, '')).status).toBe(401);
      expect((await get(`/v1/receipts/nonsense/${what}`)).status).toBe(404);
    },
  );
});

describe('the page', () => {
  it('is kept from everything that it does not need, and its headers are on no other route', async () => {
    const page = await get('/dashboard', '');
    const other = await get('/transparency/key', '');

    expect([page.status, page.headers['location']]).toEqual([308, 'dashboard/']);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    expect(other.headers['content-security-policy']).toBeUndefined();
  });
});

describe('the salts of a receipt', () => {
  it('are those of the key that its subject had, or of the master key on older receipts', async () => {
    const states = [await bodyStates(receiptId, REQUEST), await bodyStates(olderId, REQUEST)];
    const guesses = [await bodyStates(receiptId, `${REQUEST} `), await bodyStates(olderId, `${REQUEST} `)];

    expect([states, guesses]).toEqual([
      [['ok'], ['ok']],
      [['wrong'], ['wrong']],
    ]);
  });

  it('are gone for ever when the subject is erased, and the receipt still verifies', async () => {
    void cipher.erase('acme:ada', clock.nowMs());

    const { text } = await get(`/v1/receipts/${receiptId}/salts`);

    expect(JSON.parse(text)).toMatchObject({ state: 'destroyed', request_salt: null, response_salt: null });
    expect(await bodyStates(receiptId, REQUEST)).toEqual(['unknown']);
    expect(statesOf(await fetchEvidence()).filter((state) => state.endsWith('wrong'))).toEqual([]);
    expect(await bodyStates(olderId, REQUEST)).toEqual(['ok']);
  });
});
