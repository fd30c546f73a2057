import { createKeyRing, issueKey } from '#access/access.module.js';
import { dataDirectoryOwner } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { decodeEvent, encodeEvent } from '#events/domain/event-codec.js';
import { RouterError } from '#events/domain/router-error.js';
import { TOPICS } from '#events/domain/topics.js';
import { createSystemClock } from '#events/events.module.js';
import { callAdmin } from '../admin-client.js';
import { requireSettings } from '../load-settings.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { openStoppedLog } from '../stopped-log.js';

interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly project: string;
  readonly models: readonly string[];
  readonly created_at: string;
  readonly revoked_at: string | null;
}

interface NewKey {
  readonly name: string;
  readonly tenant?: string;
  readonly project?: string;
  readonly models?: readonly string[];
  readonly budget?: string;
}

/** Where keys are kept: a running instance, or the log that instances read. */
interface KeyDesk {
  create(key: NewKey): Promise<{ readonly id: string; readonly key: string }>;
  list(): Promise<readonly KeyView[]>;
  revoke(id: string): Promise<void>;
  close(): Promise<void>;
}

const USAGE = `usage: nextmodel keys create <name> [--tenant t] [--project p] [--models "a,b/*"] [--budget 10.00]
       nextmodel keys list
       nextmodel keys revoke <id>`;

export async function run(words: readonly string[]): Promise<number> {
  const [action, ...rest] = words;
  const { options, names: given } = readOptions(rest, ['name', 'tenant', 'project', 'models', 'budget']);
  const names = options['name'] === undefined ? given : [...given, options['name']];
  const [name] = names;
  const valid =
    action === 'list'
      ? names.length === 0
      : (action === 'create' || action === 'revoke') && names.length === 1 && name?.trim() !== '';
  if (!valid) throw new UsageError(USAGE);
  const settings = requireSettings();
  const owner = await dataDirectoryOwner(settings.environment.dataDir);
  const desk = owner === null ? await openStoppedDesk(settings) : runningDesk(settings);
  try {
    if (action === 'list') {
      process.stdout.write(`${showKeys(await desk.list())}\n`);
    } else if (action === 'create') {
      const { tenant, project, models, budget } = options;
      const made = await desk.create({
        name: name as string,
        ...(tenant === undefined ? {} : { tenant }),
        ...(project === undefined ? {} : { project }),
        ...(models === undefined ? {} : { models: models.split(',').map((model) => model.trim()) }),
        ...(budget === undefined ? {} : { budget }),
      });
      process.stdout.write(`${made.key}\n`);
      process.stderr.write(`Key ${made.id} was made. Its text is shown this once.\n`);
    } else {
      await desk.revoke(name as string);
      process.stderr.write(`Key ${name} is revoked.\n`);
    }
    return EXIT.ok;
  } finally {
    await desk.close();
  }
}

function showKeys(keys: readonly KeyView[]): string {
  return formatTable(
    ['id', 'name', 'tenant', 'project', 'models', 'created', 'revoked'],
    keys.map((key) => [
      key.id,
      key.name,
      key.tenant,
      key.project,
      key.models.length === 0 ? 'all' : key.models.join(','),
      key.created_at,
      key.revoked_at ?? '-',
    ]),
  );
}

function runningDesk(settings: Settings): KeyDesk {
  return {
    create: (key) => callAdmin(settings, 'POST', '/keys', key),
    list: async () => (await callAdmin<{ data: KeyView[] }>(settings, 'GET', '/keys')).data,
    revoke: async (id) => {
      await callAdmin(settings, 'DELETE', `/keys/${encodeURIComponent(id)}`);
    },
    close: () => Promise.resolve(),
  };
}

async function openStoppedDesk(settings: Settings): Promise<KeyDesk> {
  const clock = createSystemClock();
  const { reader, append, close } = await openStoppedLog(settings);
  const ring = createKeyRing();
  for (const partition of await reader.partitions(TOPICS.control)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read(
        { topic: TOPICS.control, partition, offset },
        { recordsMax: 1_000, bytesMax: 4 * 1024 * 1024, waitMs: 0 },
      );
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (decoded.ok) ring.apply(decoded.event);
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
  return {
    create: async (asked) => {
      const { key, event } = issueKey(
        {
          name: asked.name,
          tenantId: asked.tenant ?? 'default',
          projectId: asked.project ?? 'default',
          models: asked.models ?? [],
          limits: {},
          budgetUsd: asked.budget ?? null,
        },
        clock,
      );
      await append([
        encodeEvent('nextmodel.apikey.created.v1', `${event.keyId}/created`, event.keyId, event.createdAt, event),
      ]);
      return { id: event.keyId, key };
    },
    list: () =>
      Promise.resolve(
        ring.list().map((key) => ({
          id: key.keyId,
          name: key.name,
          tenant: key.tenantId,
          project: key.projectId,
          models: key.models,
          created_at: key.createdAt,
          revoked_at: key.revokedAt,
        })),
      ),
    revoke: async (id) => {
      if (ring.get(id) === undefined) {
        throw new RouterError({ code: 'not_found', publicMessage: 'No such key. See `nextmodel keys list`.' });
      }
      const revokedAt = new Date(clock.nowMs()).toISOString();
      await append([
        encodeEvent('nextmodel.apikey.revoked.v1', `${id}/revoked`, id, revokedAt, {
          keyId: id,
          revokedAt,
          reason: 'cli',
        }),
      ]);
    },
    close,
  };
}
