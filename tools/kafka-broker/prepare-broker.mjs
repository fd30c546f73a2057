// Jars, a formatted folder and a class-data archive: made once per Kafka version, shared by all test runs.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const pom = join(here, 'pom.xml');
const LOCK_TIMEOUT_MS = 240_000;

/** Kafka's version: the one that `pom.xml` names, or another to test against (3.9.2 and newer are known to work). */
const kafkaVersion = process.env.KAFKA_VERSION ?? /<kafka\.version>([^<]+)</.exec(readFileSync(pom, 'utf8'))[1];
const root = join(here, '..', '..', '.cache', 'kafka', kafkaVersion);

const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Can a broker be started here? `reason` says what is missing and what to install. */
export function brokerTools() {
  if (!works('java', ['-version'])) {
    return { ok: false, reason: 'Java is missing: install a JDK or JRE, 17 or newer, so that `java` is in the PATH.' };
  }
  if (!existsSync(join(root, 'libs')) && !works('mvn', ['-v'])) {
    return {
      ok: false,
      reason: 'Maven is missing: install it so that `mvn` is in the PATH; it fetches the Kafka jars once.',
    };
  }
  return { ok: true, reason: '' };
}

// A JVM outlives a killed test run unless the kernel ends it with its parent; `setpriv` asks for that (Linux only).
const withParent = process.platform === 'linux' && works('setpriv', ['--pdeathsig', 'KILL', 'true']);

/** Command and arguments that run Java so that it dies with this process. */
export function javaCommand(args) {
  return withParent ? ['setpriv', ['--pdeathsig', 'KILL', 'java', ...args]] : ['java', args];
}

/**
 * Makes what is missing, under a lock: two runs at once make it once.
 * @param boot starts and cleanly stops a broker with `-XX:ArchiveClassesAtExit`, which writes the archive.
 */
export async function prepareBroker({ boot }) {
  const cache = { libs: join(root, 'libs'), template: join(root, 'template'), archive: join(root, 'kafka.jsa') };
  const isReady = () => Object.values(cache).every((path) => existsSync(path));
  const tools = brokerTools();
  if (!tools.ok) throw new Error(tools.reason);
  if (isReady()) return cache;
  await mkdir(root, { recursive: true });
  const unlock = await lock(join(root, 'lock'));
  try {
    if (!existsSync(cache.libs)) await fetchJars(cache.libs);
    if (!existsSync(cache.template)) await formatTemplate(cache);
    if (!existsSync(cache.archive)) {
      const draft = join(root, `kafka-${process.pid}.jsa`);
      await boot({ ...cache, archive: draft });
      // Without an archive a broker starts too, a second later.
      if (existsSync(draft)) await rename(draft, cache.archive);
    }
  } finally {
    await unlock();
  }
  return cache;
}

async function fetchJars(libs) {
  const draft = `${libs}-${process.pid}`;
  const args = ['-B', '-q', '-f', pom, `-Dkafka.version=${kafkaVersion}`, 'dependency:copy-dependencies'];
  // Maven's own output names the repository it was set up with: it stays out of logs.
  const run = spawnSync('mvn', [...args, '-DincludeScope=runtime', `-DoutputDirectory=${draft}`], { stdio: 'ignore' });
  if (run.status !== 0) {
    await rm(draft, { recursive: true, force: true });
    throw new Error(
      'Maven could not fetch the Kafka jars; `mvn -f tools/kafka-broker/pom.xml dependency:resolve` says why.',
    );
  }
  await rename(draft, libs);
}

async function formatTemplate({ libs, template }) {
  const draft = `${template}-${process.pid}`;
  const settings = `${draft}.properties`;
  await rm(draft, { recursive: true, force: true });
  await writeFile(
    settings,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:9093',
      'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.listener.names=CONTROLLER',
      `log.dirs=${draft}`,
      '',
    ].join('\n'),
  );
  const id = `A${randomBytes(16).toString('base64url').slice(1)}`;
  const [command, args] = javaCommand([
    '-cp',
    join(libs, '*'),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    id,
    '-c',
    settings,
  ]);
  const run = spawnSync(command, args, { encoding: 'utf8' });
  await rm(settings, { force: true });
  if (run.status !== 0) throw new Error(`The Kafka data folder could not be formatted.\n${run.stderr || run.stdout}`);
  await rename(draft, template);
}

/** A folder is made atomically by one process only; a lock whose owner died is taken over. */
async function lock(path) {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      await mkdir(path);
      await writeFile(join(path, 'pid'), String(process.pid));
      return () => rm(path, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) await rm(path, { recursive: true, force: true });
    else if (Date.now() > deadline)
      throw new Error('Another process has been preparing the Kafka broker for too long.');
    else await delay(100);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
