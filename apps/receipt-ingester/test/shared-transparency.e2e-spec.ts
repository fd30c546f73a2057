import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import { TOPICS } from '#events/domain/topics.js';
import { checkInclusion } from '#transparency/domain/check-inclusion.js';
import { checkConsistency } from '#transparency/domain/check-consistency.js';
import { parseCheckpoint, type Checkpoint } from '#transparency/domain/checkpoint.js';
import type { Finding } from '#transparency/domain/finding.js';
import { createSha256TreeHash, NODE_CRYPTO, openTileStore } from '#transparency/transparency.module.js';
import { proveConsistency } from '#transparency/usecases/prove-entry.js';
import { eventually, KEY } from '../../standalone/test/start-product.js';
import { type Gateway, prepareSharedSystem, type SharedSystem, sharedSystemLacks } from './shared-system.js';

const missing = sharedSystemLacks();

if (missing !== '') {
  describe('proofs in the shared mode', () => {
    it.skip(missing, () => {});
  });
} else describeProofs();

async function get(gateway: Gateway, path: string): Promise<string> {
  const response = await fetch(`${gateway.baseUrl}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

async function ask(gateway: Gateway, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const response = await fetch(`${gateway.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'x-nextmodel-cache': 'no-store' },
      body: JSON.stringify({ model: 'main', messages: [{ role: 'user', content: `question ${n}` }] }),
    });
    await response.text();
    ids.push(response.headers.get('x-nextmodel-receipt-id') ?? '');
  }
  return ids;
}

const notGood = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ state }) => state !== 'ok');

const isActive = async (gateway: Gateway): Promise<boolean> =>
  gateway.running && /^nextmodel_transparency_sequencer_active 1$/m.test(await get(gateway, '/metrics'));

function describeProofs(): void {
  let system: SharedSystem;
  const received: string[] = [];
  const witness = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push(body);
      response.end();
    });
  });
  const gateways = (): readonly Gateway[] => [system.a, system.b].filter(({ running }) => running);

  /** Every receipt has a proof from every gateway, which holds under the key that any of them gives. */
  async function proved(ids: readonly string[]): Promise<void> {
    for (const gateway of gateways()) {
      for (const id of ids) {
        const proof = await eventually(() => get(gateway, `/v1/receipts/${id}/proof`), 30_000);
        const keys = await get(gateway, '/transparency/key');
        const event = await get(gateway, `/v1/receipts/${id}/event`);
        expect(notGood(checkInclusion(Buffer.from(event), proof, keys, NODE_CRYPTO).findings)).toEqual([]);
        expect(event).toContain(id.replace('rcpt_', ''));
      }
    }
  }

  /** Notes by log, as they stand in the common folder. */
  async function checkpoints(): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    for (let partition = 0; partition < 12; partition += 1) {
      const note = await openTileStore(system.transparencyDirectory, partition).readCheckpoint();
      if (note !== null) found.set(partition, note);
    }
    return found;
  }

  beforeAll(async () => {
    system = await prepareSharedSystem();
    await new Promise<void>((resolve) => witness.listen(0, '127.0.0.1', resolve));
    const { port } = witness.address() as AddressInfo;
    const webhook = `{ url: "http://127.0.0.1:${port}/checkpoints", every_s: 1, allow_private: true }`;
    const file = join(system.directory, 'nextmodel.yaml');
    const transparency = `\ntransparency:\n  webhooks: [${webhook}]\n  export_checkpoints: true\n`;
    writeFileSync(file, readFileSync(file, 'utf8') + transparency);
    system.redis.start();
    await Promise.all([system.a.serve(), system.b.serve()]);
  });
  afterAll(async () => {
    witness.close();
    await system?.close();
  });

  describe('proofs in the shared mode', () => {
    it('are made by one sequencer and given by every gateway', async () => {
      const ids = [...(await ask(system.a, 4)), ...(await ask(system.b, 4))];

      await proved(ids);

      const active = await Promise.all([system.a, system.b].map(isActive));
      expect(active.filter(Boolean)).toHaveLength(1);
      const [first] = await checkpoints();
      const path = join(system.transparencyDirectory, 'checkpoints', `receipts-${first?.[0]}.notes`);
      expect(readFileSync(path, 'utf8')).toContain(`${first?.[1]}\n`);
      await eventually(async () => {
        if (received.length === 0) throw new Error('nothing received');
        return true;
      }, 15_000);
      expect(checkpointOf(received[0] ?? '').size).toBeGreaterThan(0);
    });

    it('go on at the other gateway when the sequencing one is killed, from the same tree', async () => {
      const before = await checkpoints();
      const [dies, lives] = (await isActive(system.a)) ? [system.a, system.b] : [system.b, system.a];

      await dies.stop('SIGKILL');
      await proved(await ask(lives, 6));

      expect(await isActive(lives)).toBe(true);
      const after = await checkpoints();
      const hash = createSha256TreeHash();
      const keys = await get(lives, '/transparency/key');
      for (const [partition, older] of before) {
        const store = openTileStore(system.transparencyDirectory, partition);
        const newer = checkpointOf(after.get(partition) ?? '');
        const prove = (from: Checkpoint, to: Checkpoint) => proveConsistency(store, from, to, hash);
        expect(notGood(await checkConsistency(newer, older, keys, prove, NODE_CRYPTO))).toEqual([]);
      }
    });

    it('are refused for a topic that was made anew, until the end, with the reason in /readyz and the log', async () => {
      const [lives] = gateways();
      if (lives === undefined) throw new Error('no gateway');
      const before = await checkpoints();
      const admin = new Kafka({ brokers: [...system.broker.brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [TOPICS.receipts] });
      await admin.disconnect();
      const log = await openKafkaLog({ brokers: system.broker.brokers, clientId: 'test' });
      await log.ensureTopics();
      await log.close();

      await eventually(async () => {
        if (!(await lives.readyz()).text.includes('was signed') && !(await lives.readyz()).text.includes('were signed'))
          throw new Error((await lives.readyz()).text);
        return true;
      }, 40_000);
      await ask(lives, 3);

      expect((await lives.readyz()).http).toBe(200);
      expect(lives.output()).toContain('the log contradicts what was signed');
      expect(await get(lives, '/metrics')).toMatch(/^nextmodel_transparency_refused_logs [1-9]/m);
      expect(await checkpoints()).toEqual(before);
    });
  });
}

function checkpointOf(note: string): Checkpoint {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed.checkpoint;
}
