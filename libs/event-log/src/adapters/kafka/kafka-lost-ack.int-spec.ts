import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { brokerTools, type RunningBroker, startBroker } from '../../../../../tools/kafka-broker/start-broker.mjs';
import { type KafkaLog, openKafkaLog } from '../../kafka-log.module.js';
import { KafkaProducer } from './kafka-producer.js';

const tools = brokerTools();
const PRODUCE = 0;

/** Forwards to the broker; cuts a connection when the answer to a produce request arrives, as often as it is told. */
class LossyProxy {
  port = 0;
  target = 0;
  losses = 0;
  readonly #server = net.createServer((client) => this.#serve(client));

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.#server.address() as net.AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(client: net.Socket): void {
    const broker = net.connect(this.target, '127.0.0.1');
    let produced = false;
    client.on('data', (bytes) => {
      if (bytes.length >= 6 && bytes.readInt16BE(4) === PRODUCE) produced = true;
      broker.write(bytes);
    });
    broker.on('data', (bytes) => {
      if (produced && this.losses > 0) {
        this.losses -= 1;
        client.destroy();
        broker.destroy();
        return;
      }
      produced = false;
      client.write(bytes);
    });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  }
}

describe.skipIf(!tools.ok && process.env['CI'] === undefined)(`Kafka with lost answers ${tools.reason}`, () => {
  const proxy = new LossyProxy();
  let broker: RunningBroker;
  let log: KafkaLog;

  beforeAll(async () => {
    await proxy.listen();
    broker = await startBroker({ properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` } });
    proxy.target = broker.port;
    log = await openKafkaLog({ brokers: [`127.0.0.1:${proxy.port}`], clientId: 'lossy' });
  });
  afterAll(async () => {
    await log?.close();
    await broker?.stop();
    proxy.close();
  });

  const newTopic = async (): Promise<string> => {
    const topic = `t-${randomUUID()}`;
    await log.ensureTopics({ topics: [topic], partitions: 1 });
    return topic;
  };
  const stored = async (topic: string): Promise<(string | undefined)[]> => {
    const limits = { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 };
    const { records } = await log.reader.read({ topic, partition: 0, offset: 0n }, limits);
    return records.map(({ headers }) => headers['ce_id']);
  };

  it('doubles nothing when the answer to a stored batch is lost and the batch is sent again', async () => {
    const topic = await newTopic();
    await log.writer.append(numbered(topic, 0, 5)).durable;

    proxy.losses = 2;
    await log.writer.append(numbered(topic, 5, 5)).durable;
    await log.writer.append(numbered(topic, 10, 5)).durable;

    expect(proxy.losses).toBe(0);
    expect(await stored(topic)).toEqual(Array.from({ length: 15 }, (_, n) => String(n)));
  });

  it('loses nothing of the next batch after one whose fate is unknown', async () => {
    const topic = await newTopic();
    const giveUp = { initialRetryTime: 50, maxRetryTime: 50, factor: 0, multiplier: 1, retries: 1 };
    const settings = { brokers: [`127.0.0.1:${proxy.port}`], clientId: 'lossy' };
    const producer = new KafkaProducer(settings, () => {}, giveUp);
    await producer.send(numbered(topic, 0, 3));

    proxy.losses = 2;
    const unknown = await producer.send(numbered(topic, 3, 3)).catch((error: unknown) => error);
    proxy.losses = 0;
    await producer.send(numbered(topic, 6, 3));
    await producer.close();

    expect(unknown).toBeInstanceOf(Error);
    expect(await stored(topic)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });
});

function numbered(topic: string, from: number, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    topic,
    key: 'k',
    value: `{"n":${from + n}}`,
    headers: { ce_id: String(from + n), ce_type: 'test.happened.v1' },
  }));
}
