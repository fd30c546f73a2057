#!/usr/bin/env node
// A real Kafka broker for tests and for trying the shared mode, without Docker: Java and Maven are all it needs.
// `node tools/kafka-broker/start-broker.mjs --port 9092` prints the address and serves until SIGTERM.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { brokerTools, javaCommand, prepareBroker } from './prepare-broker.mjs';

export { brokerTools };

const HOST = '127.0.0.1';
const READY = 'Kafka Server started';
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** Starts one broker on loopback; see `start-broker.d.mts` for the options and what the handle does. */
export async function startBroker({ port = 0, dir, sessionTimeoutMs = 1000, properties = {} } = {}) {
  const cache = await prepareBroker({ boot: bootOnce });
  const ownsDir = dir === undefined;
  const home = dir ?? (await mkdtemp(join(tmpdir(), 'nextmodel-kafka-')));
  for (let attempt = 1; ; attempt += 1) {
    const chosen = port === 0 ? await freePort() : port;
    try {
      await writeHome({ home, template: cache.template, port: chosen, sessionTimeoutMs, properties });
      const process_ = await launch(home, cache);
      return handleOf({ home, ownsDir, port: chosen, cache, first: process_ });
    } catch (error) {
      // Another process can take a free port between choosing and binding it.
      if (port !== 0 || attempt === 3) throw error;
    }
  }
}

function handleOf({ home, ownsDir, port, cache, first }) {
  let running = first;
  const end = async (signal) => {
    const gone = running;
    running = null;
    if (gone) await endProcess(gone, signal);
  };
  return {
    brokers: [`${HOST}:${port}`],
    port,
    dir: home,
    get pid() {
      return running?.pid ?? null;
    },
    async stop() {
      running?.kill('SIGCONT');
      await end('SIGTERM');
      if (ownsDir) await rm(home, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    async pause() {
      if (!running) return;
      running.kill('SIGSTOP');
      await untilStopped(running.pid);
    },
    resume: () => void running?.kill('SIGCONT'),
    async restart() {
      await end('SIGTERM');
      running = await launch(home, cache);
    },
    get running() {
      return running;
    },
  };
}

/**
 * A signal returns before the threads it stops have stopped: on a busy machine one of them may still answer a request.
 * Where the system shows no threads, a moment has to do.
 */
async function untilStopped(pid) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return delay(250);
  for (let tries = 0; tries < 500; tries += 1) {
    const states = await Promise.all(
      (await readdir(tasks)).map((task) => readFile(join(tasks, task, 'stat'), 'utf8').catch(() => ') T')),
    );
    // The state follows the name, which is in brackets and may hold brackets itself.
    if (states.every((stat) => stat.slice(stat.lastIndexOf(')') + 2).startsWith('T'))) return undefined;
    await delay(10);
  }
  throw new Error(`the broker ${pid} did not stop within 5 s of SIGSTOP`);
}

/** Boots a broker in a fresh home and stops it cleanly: this is what writes the class-data archive. */
async function bootOnce({ template, libs, archive }) {
  const home = await mkdtemp(join(tmpdir(), 'nextmodel-kafka-'));
  try {
    await writeHome({ home, template, port: await freePort(), sessionTimeoutMs: 1000, properties: {} });
    const child = await launch(home, { libs, jvm: [`-XX:ArchiveClassesAtExit=${archive}`] });
    await endProcess(child, 'SIGTERM', READY_TIMEOUT_MS);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Copies the formatted template once; settings are written anew at each start. */
async function writeHome({ home, template, port, sessionTimeoutMs, properties }) {
  const data = join(home, 'data');
  if (!existsSync(join(data, 'meta.properties'))) {
    await mkdir(home, { recursive: true });
    await cp(template, data, { recursive: true });
    // Only the identity changes: a folder that was never formatted would start with every feature at level 0.
    const meta = { version: 1, 'cluster.id': uuid(), 'node.id': 1, 'directory.id': uuid() };
    await writeFile(join(data, 'meta.properties'), lines(meta));
  }
  const controller = await freePort();
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${HOST}:${controller}`,
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'auto.create.topics.enable': false,
    // A killed broker may register again only when its old session ran out.
    'broker.session.timeout.ms': sessionTimeoutMs,
    'broker.heartbeat.interval.ms': Math.max(50, Math.floor(sessionTimeoutMs / 5)),
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 4,
    ...properties,
  };
  await writeFile(join(home, 'server.properties'), lines(settings));
}

async function launch(home, { libs, archive, jvm = [] }) {
  const shared = archive && existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
  const [command, args] = javaCommand([
    '-Xms64m',
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    ...shared,
    ...jvm,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    '-Dorg.slf4j.simpleLogger.logFile=System.out',
    '-cp',
    join(libs, '*'),
    'kafka.Kafka',
    join(home, 'server.properties'),
  ]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await untilReady(child);
  return child;
}

async function untilReady(child) {
  const tail = [];
  let timer;
  try {
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${why}\n${tail.join('\n')}`));
      timer = setTimeout(() => fail('The Kafka broker was not ready in time.'), READY_TIMEOUT_MS);
      const listen = (chunk) => {
        tail.push(...String(chunk).split('\n').filter(Boolean));
        tail.splice(0, tail.length - 20);
        if (tail.some((line) => line.includes(READY))) resolve();
      };
      // The pipes are read for as long as the broker lives: a full one would stop it.
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('error', (error) => fail(`The Kafka broker could not be started: ${error.message}`));
      child.once('exit', (code, signal) => fail(`The Kafka broker ended at its start (${signal ?? code}).`));
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function endProcess(child, signal, timeoutMs = STOP_TIMEOUT_MS) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await gone;
  clearTimeout(timer);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const uuid = () => {
  const text = randomBytes(16).toString('base64url');
  return text.startsWith('-') ? uuid() : text;
};

const lines = (entries) =>
  Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

async function main() {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '9092' }, dir: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    console.log('start-broker.mjs [--port 9092] [--dir <folder that keeps the data>]');
    return;
  }
  const broker = await startBroker({ port: Number(values.port), ...(values.dir && { dir: values.dir }) });
  console.log(broker.brokers.join(','));
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await broker.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  broker.running.once('exit', () => {
    if (!stopping) {
      console.error('The Kafka broker ended.');
      process.exit(1);
    }
  });
}

if (import.meta.main) {
  await main().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
