import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent } from '#events/domain/event-codec.js';
import type { ContentStored } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import { contentSubjectOf, createContentCipher, openRedisKeys } from '#semantic-cache/semantic-cache.module.js';
import { checkInclusion } from '#transparency/domain/check-inclusion.js';
import { NODE_CRYPTO } from '#transparency/transparency.module.js';
import { eventually, KEY, uuidOf } from '../../standalone/test/start-product.js';
import {
  MASTER_KEY,
  prepareSharedSystem,
  QDRANT_KEY,
  sharedSystemLacks,
  type Gateway,
  type SharedSystem,
} from './shared-system.js';

const missing = sharedSystemLacks();

if (missing !== '') {
  describe('an erasure in the shared mode', () => {
    it.skip(missing, () => {});
  });
} else describeErasure();

function ask(gateway: Gateway, user: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${gateway.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'small', user, messages: [{ role: 'user', content: `what does ${user} want?` }] }),
  });
}
const cacheOf = async (gateway: Gateway, user: string): Promise<string | null> =>
  (await ask(gateway, user, { 'x-nextmodel-cache': 'only-if-cached' })).headers.get('x-nextmodel-cache');
const idOf = (answer: Response): string => answer.headers.get('x-nextmodel-receipt-id') ?? '';

async function get(gateway: Gateway, path: string): Promise<string> {
  const response = await fetch(`${gateway.baseUrl}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

const subjectOf = (user: string): string => contentSubjectOf(createContentCipher(MASTER_KEY), 'default', user);

async function callQdrant(url: string, path: string, body?: unknown): Promise<{ result: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'api-key': QDRANT_KEY, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as { result: Record<string, unknown> };
}

function describeErasure(): void {
  let system: SharedSystem;
  const gateways = (): readonly Gateway[] => [system.a, system.b];

  /** A user's answers in Kafka, and which of them open with the log, the key store and the master key in hand. */
  async function contentOf(user: string): Promise<readonly { readonly receiptId: string; readonly opens: boolean }[]> {
    const log = await openKafkaLog({ brokers: system.broker.brokers, clientId: 'test' });
    const cipher = createContentCipher(MASTER_KEY, await openRedisKeys(system.redisUrl));
    const found: ContentStored[] = [];
    for (const partition of await log.reader.partitions(TOPICS.content)) {
      const from = { topic: TOPICS.content, partition, offset: 0n };
      const { records } = await log.reader.read(from, { recordsMax: 1_000, bytesMax: 1e7, waitMs: 0 });
      for (const record of records) {
        const decoded = decodeEvent(record);
        if (decoded.ok && decoded.event.type === 'nextmodel.content.stored.v1') found.push(decoded.event.data);
      }
    }
    const own = found.filter(({ subject }) => subject === subjectOf(user));
    const told = [];
    for (const { receiptId, keyId, sealed } of own) {
      await cipher.keyState(keyId, 0);
      told.push({ receiptId, opens: cipher.open(keyId, sealed) !== null });
    }
    await Promise.all([cipher.close(), log.close()]);
    return told;
  }

  async function keysInRedis(user: string): Promise<readonly string[]> {
    const redis = new Redis(system.redisUrl);
    const ids = await redis.hkeys(`nextmodel:subject-keys:${subjectOf(user)}`);
    redis.disconnect();
    return ids;
  }

  /** Points of a receipt in any collection of Qdrant. */
  async function points(receiptId: string): Promise<number> {
    const { result } = await callQdrant(system.qdrantUrl, '/aliases');
    const filter = { must: [{ key: 'receipt', match: { value: uuidOf(receiptId) } }] };
    let count = 0;
    for (const { alias_name } of result['aliases'] as readonly { readonly alias_name: string }[]) {
      count += Number(
        (await callQdrant(system.qdrantUrl, `/collections/${alias_name}/points/count`, { filter, exact: true })).result[
          'count'
        ],
      );
    }
    return count;
  }

  beforeAll(async () => {
    system = await prepareSharedSystem();
    system.redis.start();
    await system.startClickhouse();
    system.ingester.start();
    await Promise.all([system.a.serve(), system.b.serve()]);
    system.indexer.start();
    // An answer that is given before Redis has its key waits for it, like everything that waits on a busy machine.
    for (const gateway of gateways()) await eventually(async () => (await gateway.readyz()).status === 'ready', 60_000);
    await eventually(() => system.indexer.output().includes('indexing answers'), 60_000);
  });
  afterAll(() => system?.close());

  describe('an erasure in the shared mode', () => {
    it('takes one user out of every cache for good, at every gateway, and every proof still verifies', async () => {
      const named = { 'idempotency-key': 'alice-1' };
      const [alice, bob] = [idOf(await ask(system.a, 'alice', named)), idOf(await ask(system.b, 'bob'))];
      for (const gateway of gateways()) {
        for (const user of ['alice', 'bob']) {
          await eventually(async () => (await cacheOf(gateway, user)) === 'HIT', 90_000);
        }
      }
      expect((await ask(system.b, 'alice', named)).headers.get('idempotent-replayed')).toBe('true');
      expect([await points(alice), await points(bob)]).toEqual([1, 1]);
      expect(await contentOf('alice')).toEqual([{ receiptId: uuidOf(alice), opens: true }]);
      const [keysOfAlice, keysOfBob] = [await keysInRedis('alice'), await keysInRedis('bob')];
      expect(keysOfAlice.length).toBeGreaterThan(0);

      // On a machine where no gateway runs.
      const erase = system.command('erase', '--user', 'alice');
      erase.start();
      await eventually(() => !erase.running, 60_000);
      expect(erase.output()).toBe(`${subjectOf('alice')} is erased: 1 stored answers can no longer be read.\n`);

      for (const gateway of gateways()) {
        await eventually(async () => (await cacheOf(gateway, 'alice')) === 'MISS', 15_000);
        expect(await cacheOf(gateway, 'bob')).toBe('HIT');
      }
      await eventually(async () => (await points(alice)) === 0, 15_000);
      await eventually(async () => !(await ask(system.b, 'alice', named)).headers.has('idempotent-replayed'), 15_000);
      // Later requests of hers have keys of their own.
      const left = await keysInRedis('alice');
      expect(left.filter((id) => keysOfAlice.includes(id))).toEqual([]);
      expect(await contentOf('alice')).toContainEqual({ receiptId: uuidOf(alice), opens: false });
      expect([await points(bob), await contentOf('bob')]).toEqual([1, [{ receiptId: uuidOf(bob), opens: true }]]);
      expect(await keysInRedis('bob')).toEqual(expect.arrayContaining([...keysOfBob]));

      for (const gateway of gateways()) {
        for (const id of [alice, bob]) {
          const proof = await eventually(() => get(gateway, `/v1/receipts/${id}/proof`), 30_000);
          const [keys, event] = [
            await get(gateway, '/transparency/key'),
            await get(gateway, `/v1/receipts/${id}/event`),
          ];
          const { findings } = checkInclusion(Buffer.from(event), proof, keys, NODE_CRYPTO);
          expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
        }
      }
      const ids = [alice, bob].map((id) => `'${uuidOf(id)}'`).join(',');
      const row = `SELECT count(), countIf(status = 'ok') FROM receipts FINAL WHERE receipt_id IN (${ids})`;
      await eventually(async () => (await system.sql(row))[0]?.join() === '2,2', 30_000);
    });
  });
}
