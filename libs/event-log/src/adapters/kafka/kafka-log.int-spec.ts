import { afterAll, beforeAll, describe } from 'vitest';
import { brokerTools, type RunningBroker, startBroker } from '../../../../../tools/kafka-broker/start-broker.mjs';
import { type KafkaLog, openKafkaLog } from '../../kafka-log.module.js';
import { type EventLogSet, eventLogContract } from '../../ports/event-log.contract.js';

const tools = brokerTools();

describe.skipIf(!tools.ok && process.env['CI'] === undefined)(`Kafka ${tools.reason}`, () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  const openWith =
    (partitions: number) =>
    async (topics: readonly string[]): Promise<EventLogSet> => {
      const log: KafkaLog = await openKafkaLog({ brokers: broker.brokers, clientId: 'contract' });
      await log.ensureTopics({ topics, partitions });
      return log;
    };
  const reopenWith = (partitions: number) => async (set: EventLogSet, topics: readonly string[]) => {
    await set.close();
    return openWith(partitions)(topics);
  };
  const notAtomicAcrossTopics = 'Kafka knows no such append outside transactions, which cost 40 ms each';

  eventLogContract('kafka, one partition', {
    open: openWith(1),
    reopen: reopenWith(1),
    deviations: { notAtomicAcrossTopics },
  });
  eventLogContract('kafka, three partitions', {
    open: openWith(3),
    reopen: reopenWith(3),
    deviations: { notAtomicAcrossTopics, severalPartitions: 'keys are spread over partitions' },
  });
});
