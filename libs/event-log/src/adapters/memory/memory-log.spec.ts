import { createMemoryLog } from '../../event-log.module.js';
import { type EventLogSet, eventLogContract } from '../../ports/event-log.contract.js';

eventLogContract('memory', {
  open: async () => {
    const log = createMemoryLog();
    return { ...log, close: () => closeAll(log) };
  },
  reopen: 'it lives as long as the process',
});

async function closeAll(log: Omit<EventLogSet, 'close'>): Promise<void> {
  await log.subscriber.close();
  await log.writer.close();
  await log.reader.close();
}
