import { join } from 'node:path';
import type { DataDirectory } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import type { SubjectKeyStore } from '#semantic-cache/ports/subject-key-store.js';
import type { ErasableContentCipher } from '#semantic-cache/ports/content-cipher.js';
import { createContentCipher, openKeyFile, openRedisKeys } from '#semantic-cache/semantic-cache.module.js';

const FILE = 'subject-keys.sqlite';

type KeyEnvironment = Pick<Settings['environment'], 'redisUrl' | 'kafkaBrokers' | 'qdrantUrl'>;

/** The cipher of a data directory that this process owns. Close it. @throws RouterError `store_unavailable`. */
export async function openContentCipher(
  environment: KeyEnvironment,
  directory: Pick<DataDirectory, 'secrets' | 'secretsPath'>,
): Promise<ErasableContentCipher> {
  return createContentCipher(
    directory.secrets.masterKey.value,
    await openSubjectKeys(environment, directory.secretsPath),
  );
}

/**
 * The store of data keys that fits the mode: where content is shared over Kafka or Qdrant, Redis; else a file of the
 * data directory. `null` = content is shared and there is no Redis: keys are derived and cannot be destroyed.
 */
export async function openSubjectKeys(
  environment: KeyEnvironment,
  secretsDirectory: string,
): Promise<SubjectKeyStore | null> {
  const { redisUrl, kafkaBrokers, qdrantUrl } = environment;
  if (redisUrl !== null && (kafkaBrokers.length > 0 || qdrantUrl !== null)) return openRedisKeys(redisUrl);
  return kafkaBrokers.length > 0 ? null : openKeyFile(join(secretsDirectory, FILE));
}
