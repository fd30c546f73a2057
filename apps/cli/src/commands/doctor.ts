import axios from 'axios';
import { dataDirectoryOwner } from '#config/config.module.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, formatTable, UsageError } from '../output.js';

interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'down' | 'not used' | 'degraded';
  readonly detail: string;
}

/** `nextmodel doctor`: looks at every dependency. Exit 69 when one that is configured cannot be reached. */
export async function run(words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new UsageError('usage: nextmodel doctor');
  const settings = requireSettings();
  const { environment } = settings;
  const owner = await dataDirectoryOwner(environment.dataDir);
  const findings: Finding[] = [
    { what: 'node', state: 'ok', detail: process.version },
    { what: 'configuration', state: 'ok', detail: settings.configFile ?? 'environment only' },
    {
      what: 'data directory',
      state: 'ok',
      detail:
        owner === null ? `${environment.dataDir}, no instance runs` : `${environment.dataDir}, owned by pid ${owner}`,
    },
  ];
  findings.push(await instance(environment.host, environment.port, owner !== null));
  findings.push(await http('clickhouse', environment.clickhouseUrl, '/ping', 'embedded'));
  findings.push(await http('qdrant', environment.qdrantUrl, '/readyz', 'in process'));
  findings.push(await kafka(environment.kafkaBrokers));
  process.stdout.write(
    `${formatTable(
      ['what', 'state', 'detail'],
      findings.map((each) => [each.what, each.state, each.detail]),
    )}\n`,
  );
  return findings.some((finding) => finding.state === 'down') ? EXIT.unreachable : EXIT.ok;
}

async function instance(host: string, port: number, expected: boolean): Promise<Finding> {
  try {
    const { data } = await axios.get<{
      status: string;
      dependencies: { name: string; state: string; detail: string | null }[];
    }>(`http://${host}:${port}/readyz`, { timeout: 2_000, validateStatus: () => true });
    const bad = data.dependencies
      .filter((each) => each.state !== 'ok')
      .map((each) => `${each.name}: ${each.detail ?? each.state}`);
    return {
      what: 'instance',
      state: data.status === 'ready' ? 'ok' : 'degraded',
      detail: bad.length === 0 ? data.status : bad.join('; '),
    };
  } catch {
    return { what: 'instance', state: expected ? 'down' : 'not used', detail: `nothing answers on port ${port}` };
  }
}

async function http(what: string, url: string | null, path: string, embedded: string): Promise<Finding> {
  if (url === null) return { what, state: 'not used', detail: embedded };
  try {
    const { headers } = await axios.get(new URL(path, url).href, { timeout: 2_000 });
    const version = headers['x-clickhouse-server-display-name'] as string | undefined;
    return { what, state: 'ok', detail: version ?? 'reachable' };
  } catch {
    return { what, state: 'down', detail: 'unreachable' };
  }
}

async function kafka(brokers: readonly string[]): Promise<Finding> {
  if (brokers.length === 0) return { what: 'kafka', state: 'not used', detail: 'segment files' };
  const { openKafkaLog } = await import('#event-log/kafka-log.module.js');
  const log = await openKafkaLog({ brokers, clientId: 'nextmodel-doctor' });
  try {
    await log.ping();
    return { what: 'kafka', state: 'ok', detail: brokers.join(', ') };
  } catch {
    return { what: 'kafka', state: 'down', detail: 'unreachable' };
  } finally {
    await log.close();
  }
}
