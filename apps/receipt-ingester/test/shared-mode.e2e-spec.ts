import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, eventually, freePort, KEY } from '../../standalone/test/start-product.js';
import { ClientLedger, toPico } from './client-ledger.js';
import { ENTRIES, type Gateway, prepareSharedSystem, type SharedSystem, sharedSystemLacks } from './shared-system.js';

const OUTAGE_MS = process.env['NEXTMODEL_TEST_LONG'] === '1' ? 30_000 : 12_000;
/** Calls of the first test's gateways, whose spools nobody ships any more. */
const WITH_NOBODY_TO_SHIP = 2;
const missing = sharedSystemLacks();

if (missing !== '') {
  describe('the shared mode', () => {
    it.skip(missing, () => {});
  });
} else describeSharedMode();

const note = (text: string): void => console.log(`shared mode: ${text}`);
const status = async (key: string, gateway: Gateway): Promise<number> =>
  (await fetch(`${gateway.baseUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

function describeSharedMode(): void {
  let system: SharedSystem;
  const ledger = new ClientLedger();

  /** Waits until tables and clients agree. @returns seconds that took. */
  async function agreed(waitMs = 30_000): Promise<string> {
    const began = performance.now();
    await eventually(async () => {
      const differences = await ledger.differences(system);
      if (differences.length > 0)
        throw new Error(
          [...differences, `ingester runs: ${system.ingester.running}`, system.ingester.output().slice(-3_000)].join(
            '\n',
          ),
        );
      return true;
    }, waitMs);
    return `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  }

  beforeAll(async () => {
    system = await prepareSharedSystem();
  });
  afterAll(() => system?.close());

  describe('the shared mode', () => {
    it('is started by docker-compose.yml with the commands and variables of these tests', () => {
      const text = readFileSync(new URL('../../../docker-compose.yml', import.meta.url), 'utf8');

      const commands = [...text.matchAll(/command: \[node, (\S+)\]/g)].map(([, path]) => path);
      const variables = new Set([...text.matchAll(/^ +(NEXTMODEL_\w+):/gm)].map(([, name]) => name));

      expect(commands.toSorted()).toEqual(Object.values(ENTRIES).toSorted());
      expect([...variables].filter((name) => name !== 'NEXTMODEL_HOST').toSorted()).toEqual(
        system.variables.toSorted(),
      );
    });

    it('serves while Kafka, ClickHouse, Qdrant and Redis are all away', async () => {
      const nobody = await freePort();
      await system.broker.kill();
      const alone = await system.gateway('alone', {
        NEXTMODEL_CLICKHOUSE_URL: `http://127.0.0.1:${nobody}`,
        NEXTMODEL_QDRANT_URL: `http://127.0.0.1:${nobody}`,
        NEXTMODEL_REDIS_URL: `redis://127.0.0.1:${nobody}`,
      });
      const unindexed = await system.gateway('unindexed', { NEXTMODEL_QDRANT_URL: '' });

      const startMs = await Promise.all([alone.serve(), unindexed.serve()]);
      await ledger.ask(alone);
      await ledger.ask(unindexed);
      const ready = await alone.readyz();
      const ended = await Promise.all([alone.stop(), unindexed.stop()]);

      note(`start with everything away: ${startMs.join(', ')} ms; ended in ${ended.map(({ ms }) => ms).join(', ')} ms`);
      expect([ready.http, ready.status]).toEqual([200, 'degraded']);
      for (const name of ['kafka', 'clickhouse', 'qdrant', 'redis']) expect(ready.text).toContain(name);
      expect(ended.map(({ code, ms }) => [code, ms < 8_000])).toEqual([
        [0, true],
        [0, true],
      ]);
      // Their receipts are in their spools, which nobody ships any more.
      ledger.answers.clear();
    });

    it('starts with topics that it makes itself', async () => {
      await system.broker.restart();
      await system.startClickhouse();
      system.redis.start();
      system.ingester.start();
      system.indexer.start();

      const startMs = await Promise.all([system.a.serve(), system.b.serve()]);
      await ledger.ask(system.a);
      await ledger.ask(system.b);

      note(`first start: ${startMs.join(', ')} ms; first receipts in SQL after ${await agreed(60_000)}`);
      await eventually(async () => (await system.a.readyz()).status === 'ready');
    });

    it('lets a key made on one gateway work on the other within a second, and end there', async () => {
      const made = await system.a.admin('POST', '/keys', { name: 'team' });
      const [id, key] = [String(made['id']), String(made['key'])];

      const began = performance.now();
      await eventually(async () => (await status(key, system.b)) === 200, 3_000);
      const madeMs = performance.now() - began;
      await system.b.admin('DELETE', `/keys/${id}`);
      const revoked = performance.now();
      await eventually(async () => (await status(key, system.a)) === 401, 3_000);
      const revokedMs = performance.now() - revoked;

      note(`key on the other gateway after ${Math.round(madeMs)} ms, revoked after ${Math.round(revokedMs)} ms`);
      expect(Math.max(madeMs, revokedMs)).toBeLessThan(1_000);
    });

    it('puts every receipt and attempt into the tables once, to the picodollar', async () => {
      const load = ledger.load([system.a, system.b], 0);
      await sleep(3_000);
      const { answered, failed } = await load.stop();

      const tookS = await agreed();

      const [counts] = await system.sql(
        `SELECT count(), uniqExact(receipt_id), toString(sum(cost_usd)), (SELECT count() FROM attempts FINAL) FROM receipts FINAL`,
      );
      note(`${answered} requests to both gateways, all in SQL after ${tookS}`);
      expect(failed).toBe(0);
      const requests = String(ledger.answers.size);
      expect(counts?.slice(0, 2)).toEqual([requests, requests]);
      expect(counts?.[3]).toBe(requests);
      expect(toPico(counts?.[2] ?? '')).toBe(ledger.sumPico);
    });

    it('answers on one gateway from what the other has stored', async () => {
      const question = 'How do I bake a loaf of rye bread?';
      await ledger.ask(system.a, { question });

      const began = performance.now();
      const hit = await eventually(async () => {
        const response = await ledger.ask(system.b, { question });
        return response.headers.get('x-nextmodel-cache') === 'HIT' ? response : null;
      }, 10_000);

      note(`cache hit on the other gateway after ${Math.round(performance.now() - began)} ms`);
      expect(hit.headers.get('x-nextmodel-cache')).toBe('HIT');
    });

    it('holds a limit of requests per minute across gateways, and serves while Redis is away', async () => {
      const { key } = await system.a.admin('POST', '/keys', { name: 'slow', limits: { requests_per_minute: 6 } });
      await eventually(async () => (await status(String(key), system.b)) === 200, 3_000);

      const outcomes: string[] = [];
      for (let n = 0; n < 10; n += 1) {
        const asked = ledger.ask(n % 2 === 0 ? system.a : system.b, { key: String(key) });
        outcomes.push(
          await asked.then(
            () => 'ok',
            (error: { status?: number }) => String(error.status),
          ),
        );
      }
      await system.redis.stop();
      const without = await Promise.all([system.a, system.b].map((gateway) => ledger.ask(gateway)));
      const free = await system.a.admin('POST', '/keys', { name: 'x', limits: { requests_per_minute: 60 } });
      const limited = await ledger.ask(system.a, { key: String(free['key']) });
      await eventually(async () => (await system.a.readyz()).text.includes('"down"'));
      system.redis.start();
      await eventually(async () => (await system.a.readyz()).status === 'ready');

      expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(6);
      expect(outcomes.filter((outcome) => outcome === '429')).toHaveLength(4);
      expect([...without, limited].map((response) => response.status)).toEqual([200, 200, 200]);
    });

    it('answers everything while the broker is away, and loses and doubles nothing', async () => {
      const load = ledger.load([system.a, system.b]);
      await sleep(500);
      await system.broker.kill();
      const before = ledger.answers.size;
      await sleep(OUTAGE_MS);
      const during = ledger.answers.size - before;
      const ready = await Promise.all([system.a.readyz(), system.b.readyz()]);
      await system.broker.restart();
      const back = performance.now();
      await sleep(500);
      const { failed } = await load.stop();

      await eventually(
        async () => (await Promise.all([system.a.readyz(), system.b.readyz()])).every((one) => one.status === 'ready'),
        60_000,
      );
      const shippedS = ((performance.now() - back) / 1_000).toFixed(1);
      await agreed(60_000);

      note(
        `${during} requests answered in ${OUTAGE_MS / 1_000} s without a broker; after it was back all shipped in ${shippedS} s, all in SQL in ${((performance.now() - back) / 1_000).toFixed(1)} s`,
      );
      expect(ledger.failures).toEqual([]);
      expect(failed).toBe(0);
      expect(during).toBeGreaterThan(100);
      for (const { http, status: said, text } of ready) {
        expect([http, said]).toEqual([200, 'degraded']);
        expect(text).toMatch(/kafka/);
        expect(text).toMatch(/[1-9]\d* records to ship/);
      }
    }, 180_000);

    it('ships after its next start what a gateway has left that was stopped while the broker was away', async () => {
      await system.broker.kill();
      for (let n = 0; n < 40; n += 1) await ledger.ask(system.a, { stream: n % 4 === 0 });
      const { text } = await eventually(async () => {
        const ready = await system.a.readyz();
        return /[1-9]\d* records to ship/.test(ready.text) ? ready : null;
      });
      const ended = await system.a.stop();
      await system.broker.restart();
      const back = performance.now();
      await system.a.serve();

      await agreed(60_000);

      note(
        `ended in ${ended.ms} ms with ${/\d+ records to ship/.exec(text)?.[0]}; all in SQL ${((performance.now() - back) / 1_000).toFixed(1)} s after the broker was back`,
      );
      // The shipper has nobody to give it to, and says so within seconds instead of waiting for the end of the outage.
      expect([ended.code, ended.ms < 8_000]).toEqual([0, true]);
      const ready = await eventually(async () => {
        const one = await system.a.readyz();
        return one.status === 'ready' ? one : null;
      }, 60_000);
      expect(ready.text).toContain('0 records to ship');
    }, 120_000);

    it('keeps the receipt of every call when a gateway is killed under load', async () => {
      const load = ledger.load([system.a], 0);
      await sleep(1_500);
      await system.a.stop('SIGKILL');
      const { answered } = await load.stop();
      const startMs = await system.a.serve();

      const tookS = await agreed(60_000);

      const seen = system.upstreams.flatMap(({ calls }) =>
        calls.map(({ text }) => /^question (\d+)\.$/.exec(text)?.[1]),
      );
      const unsealed = await eventually(async () => {
        const rows = await system.sql(`SELECT tags['question'] FROM receipts FINAL`);
        const sealed = new Set(rows.map(([question]) => question));
        const without = seen.filter((question) => question !== undefined && !sealed.has(question));
        return without.length === WITH_NOBODY_TO_SHIP ? without : null;
      });
      const unknown = await system.sql(`SELECT count() FROM receipts FINAL WHERE status = 'unknown'`);
      note(
        `killed after ${answered} answers; up again in ${startMs} ms, all in SQL ${tookS} later, ${unknown[0]?.[0]} recovered as unknown`,
      );
      expect(unsealed).toEqual(['1', '2']);
      expect(await ledger.differences(system)).toEqual([]);
    }, 120_000);

    it('has identical sums when the ingester is killed in the middle, and when ClickHouse was away', async () => {
      ledger.failures.length = 0;
      const load = ledger.load([system.a, system.b]);
      await sleep(1_200);
      await system.ingester.stop('SIGKILL');
      await sleep(500);
      system.ingester.start();
      await sleep(1_000);
      await system.stopClickhouse();
      const before = ledger.answers.size;
      await sleep(4_000);
      const during = ledger.answers.size - before;
      await system.startClickhouse();
      await load.stop();

      const tookS = await agreed(60_000);

      note(`${during} requests answered in 4 s without ClickHouse; caught up ${tookS} after it was back`);
      expect(ledger.failures).toEqual([]);
      expect(during).toBeGreaterThan(20);
    }, 120_000);

    it('rebuilds receipts and cache from Kafka with the same sums', async () => {
      const sums = `SELECT count(), uniqExact(receipt_id), toString(sum(cost_usd)), sum(tok_in), sum(tok_out) FROM receipts FINAL`;
      const before = await system.sql(sums);
      expect((await system.ingester.stop()).code).toBe(0);

      for (const view of ['receipts', 'cache']) {
        const began = performance.now();
        const command = system.command('replay', view);
        command.start();
        await eventually(() => !command.running, 60_000);
        const { code } = await command.stop();
        note(`replay ${view}: ${Math.round(performance.now() - began)} ms`);
        expect([code, command.output()]).toEqual([0, expect.stringContaining('They agree')]);
      }
      expect(await system.sql(sums)).toEqual(before);
      system.ingester.start();
      await ledger.ask(system.b);
      await agreed();
      const hit = await ledger.ask(system.b, { question: 'How do I bake a loaf of rye bread?' });
      expect(hit.headers.get('x-nextmodel-cache')).toBe('HIT');
    }, 120_000);

    it('ends every process with exit code 0 within seconds', async () => {
      const ended = await Promise.all(
        [system.a, system.b, system.ingester, system.indexer].map(async (one) => [one.name, await one.stop()] as const),
      );

      note(`ended: ${ended.map(([name, { ms }]) => `${name} ${ms} ms`).join(', ')}`);
      for (const [name, { code, ms }] of ended) expect([name, code, ms < 8_000]).toEqual([name, 0, true]);
      expect([KEY, ADMIN_TOKEN].filter((secret) => system.a.output().includes(secret))).toEqual([]);
    });
  });
}
