import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyRing, issueKey } from '#access/access.module.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { createSystemClock } from '#events/events.module.js';
import { loadPriceBook } from '#pricing/pricing.module.js';
import { createProviderRegistry } from '#providers/providers.module.js';
import { createRouter } from '#routing/routing.module.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { createHttpServer, type HttpServer } from './http-server.js';
import { GatewayModule } from './gateway.module.js';
import type { HotLane } from './hot-lane/hot-lane.js';
import { ReceiptsController } from './http/receipts.controller.js';
import type { GatewayParts } from './http/gateway-parts.js';
import { Readiness } from './readiness.js';
import { RecentReceipts } from './receipts/recent-receipts.js';
import { TransparencyDesk } from './transparency/transparency-desk.js';

const ADMIN = 'admin-token-for-tests-0123456789';
const clock = createSystemClock();
const log = createMemoryLog();
const keys = createKeyRing();
const providers = {
  alpha: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1', apiKeys: [], models: ['a/b'] },
};
const registry = createProviderRegistry(providers);
const prices = loadPriceBook({ files: [], nowMs: clock.nowMs() });
if (!prices.ok) throw new Error('the catalogue must load');
const parts: GatewayParts = {
  clock,
  keys,
  keysErased: () => Promise.resolve(),
  applyControl: (event: RouterEvent) => keys.apply(event),
  router: createRouter({
    settings: { providers, models: {}, routing: { rules: [], auto: null } },
    providerNames: ['alpha'],
  }),
  registry,
  prices: prices.book,
  log: log.writer,
  reader: log.reader,
  partition: 0,
  recent: new RecentReceipts(),
  store: null,
  readiness: new Readiness(),
  metricsText: () => Promise.resolve('nextmodel_up 1\n'),
  adminToken: ADMIN,
  onWrongAdminCredential: () => undefined,
  replayCache: () => Promise.reject(new Error('not here')),
  replayReceipts: () => Promise.reject(new Error('not here')),
  replayTransparency: () => Promise.reject(new Error('not here')),
  transparency: new TransparencyDesk({
    reader: log.reader,
    directory: '/nowhere',
    signer: { name: 'test.example', publicKey: new Uint8Array(32) },
  }),
  findReceipt: () => Promise.resolve(null),
  cipher: { salt: () => new Uint8Array(16), openSaltKey: () => null, keyState: () => 'gone' },
};
const noLane = { handle: () => false } as unknown as HotLane;
let http: HttpServer;

beforeAll(async () => {
  http = await createHttpServer(noLane, parts, createLogger({ level: 'error' }));
});
afterAll(() => http.app.close());

const admin = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, headers: Record<string, string>, body?: string) => {
  const answer = await http.app.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
  return { status: answer.statusCode, body: JSON.parse(answer.body) as Record<string, unknown>, text: answer.body };
};

describe('slow routes', () => {
  it('compile: every injected part has its provider', async () => {
    const module = await Test.createTestingModule({ imports: [GatewayModule.over(parts)] }).compile();

    expect(module.get(ReceiptsController)).toBeInstanceOf(ReceiptsController);
  });

  it('make a key that works at once, list it without its text, and revoke it', async () => {
    const made = await call('POST', '/admin/v1/keys', admin, '{"name":"team-a","tenant":"acme","budget":"1.5"}');

    expect(made.status).toBe(201);
    expect(keys.authenticate(String(made.body['key']))).toMatchObject({ tenantId: 'acme', budgetUsd: '1.5' });
    const listed = await call('GET', '/admin/v1/keys', admin);
    expect(listed.text).not.toContain(made.body['key']);
    const revoked = await call('DELETE', `/admin/v1/keys/${String(made.body['id'])}`, admin);
    expect(revoked.status).toBe(200);
    expect(keys.authenticate(String(made.body['key']))).toBeNull();
  });

  it.each([
    ['no name', '{}'],
    ['a misspelt limit', '{"name":"x","limits":{"request_per_minute":5}}'],
    ['an unknown field', '{"name":"x","budgets":"1"}'],
    ['a number as budget', '{"name":"x","budget":"one"}'],
    ['malformed JSON', '{"name":'],
  ])('refuse a key with %s as the client’s mistake', async (_what, body) => {
    const refused = await call('POST', '/admin/v1/keys', admin, body);

    expect(refused.status).toBe(400);
    expect(Object.keys(refused.body['error'] as object)).toEqual(['message', 'type', 'param', 'code']);
  });

  it('never open an admin route to a virtual key, nor a key’s route to nobody', async () => {
    const { key, event } = issueKey(
      { name: 'k', tenantId: 't', projectId: 'p', models: [], limits: {}, budgetUsd: null },
      clock,
    );
    keys.apply({ type: 'nextmodel.apikey.created.v1', id: 'i', source: 's', time: event.createdAt, data: event });

    expect((await call('GET', '/admin/v1/keys', { authorization: `Bearer ${key}` })).status).toBe(401);
    expect((await call('GET', '/v1/models', {})).status).toBe(401);
    expect((await call('GET', '/v1/models', { authorization: `Bearer ${key}` })).status).toBe(200);
  });

  it('answer an unknown route and an unknown receipt in OpenAI’s error shape', async () => {
    const nowhere = await call('GET', '/v1/nowhere', {});

    expect(nowhere.status).toBe(404);
    expect(nowhere.body['error']).toMatchObject({ code: 'not_found', param: null });
  });

  it('say that requests are refused once the gateway closes', async () => {
    parts.readiness.close();

    const ready = await call('GET', '/readyz', {});

    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ status: 'unavailable' });
  });
});

describe('odd requests to slow routes', () => {
  it('get the one error shape from the framework too', async () => {
    const odd = await call('GET', '/v1/models/%zz', {});

    expect(odd.status).toBe(400);
    expect(Object.keys(odd.body['error'] as object)).toEqual(['message', 'type', 'param', 'code']);
  });

  it('are told which method a route has', async () => {
    expect((await call('POST', '/healthz', {})).status).toBe(405);
    expect((await call('DELETE', '/v1/models', {})).status).toBe(405);
  });

  it('cannot make a bug of a doubled parameter, and a key sees the models it names', async () => {
    const { key, event } = issueKey(
      { name: 'k', tenantId: 't', projectId: 'p', models: ['alpha/dear'], limits: {}, budgetUsd: null },
      clock,
    );
    keys.apply({ type: 'nextmodel.apikey.created.v1', id: 'i2', source: 's', time: event.createdAt, data: event });
    const headers = { authorization: `Bearer ${key}` };

    expect((await call('GET', '/v1/generation?id=x&id=y', headers)).status).toBe(404);
    expect((await call('GET', '/v1/models', headers)).body['data']).toMatchObject([{ id: 'alpha/dear' }]);
  });
});
