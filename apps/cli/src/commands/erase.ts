import { readSecrets } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import { RouterError } from '#events/domain/router-error.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { contentSubjectOf, createContentCipher } from '#semantic-cache/semantic-cache.module.js';
import { openEventDesk, openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { readOptions } from '../options.js';
import { EXIT, UsageError } from '../output.js';

const USAGE = 'usage: nextmodel erase (--subject <id> | --user <name>) [--tenant <id>, default "default"]';
const LIMITS = { recordsMax: 1_000, bytesMax: 16 * 1024 * 1024, waitMs: 0 };

/**
 * `nextmodel erase`: answers of a subject leave the cache, and nothing opens them any more; receipts and proofs stay.
 * `--user` is the name that requests carried in `user`; `--subject` is the pseudonym of `content.stored`. Idempotent.
 */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names } = readOptions(words, ['subject', 'user', 'tenant']);
  const { subject: given, user, tenant = 'default' } = options;
  if (names.length > 0 || (given === undefined) === (user === undefined)) throw new UsageError(USAGE);
  const settings = requireSettings();
  const subject = given ?? (await subjectOf(settings, tenant, user ?? ''));
  if (subject !== tenant && !subject.startsWith(`${tenant}:`)) {
    throw new UsageError(`the subject is not one of tenant "${tenant}"; give --tenant`);
  }
  const reader = await openEvents(settings);
  try {
    const receiptIds = await receiptsOf(reader, tenant, subject);
    const desk = await openEventDesk(settings);
    try {
      await desk.erase(tenant, subject, receiptIds);
    } finally {
      await desk.close();
    }
    process.stdout.write(`${subject} is erased: ${receiptIds.length} stored answers can no longer be read.\n`);
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}

async function subjectOf({ environment }: Settings, tenant: string, user: string): Promise<string> {
  const { masterKey } = await readSecrets(environment.dataDir, environment);
  if (masterKey === null) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: 'There is no master key yet, so there is no content.',
    });
  }
  return contentSubjectOf(createContentCipher(masterKey), tenant, user);
}

async function receiptsOf(reader: EventLogReader, tenantId: string, subject: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const partition of await reader.partitions(TOPICS.content)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.content, partition, offset }, LIMITS);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (!decoded.ok || decoded.event.type !== 'nextmodel.content.stored.v1') continue;
        const { data } = decoded.event;
        if (data.subject === subject && data.tenantId === tenantId) found.add(data.receiptId);
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
  return [...found];
}
