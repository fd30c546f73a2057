import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '#config/config.module.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { startStandalone } from '../../../standalone/src/standalone.js';
import { DEMO_CONFIG } from '../demo/demo-config.js';
import { demoCalls, type DemoCall } from '../demo/demo-prompts.js';
import { printReport } from '../demo/demo-report.js';
import { EXIT, ProgressBar, UsageError } from '../output.js';

const AT_ONCE = 12;
/** The index follows the log; the second wave waits until it has caught up. */
const INDEX_WAIT_MS = 1_500;

interface ChatClient {
  chat: {
    completions: {
      create(body: Record<string, unknown>): Promise<AsyncIterable<unknown> | { readonly id: string }>;
    };
  };
}

/** `nextmodel demo`: real prompts through the official SDK against a fresh instance, then what it cost. */
export async function run(words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new UsageError('usage: nextmodel demo');
  const OpenAI = await loadSdk();
  const folder = await mkdtemp(join(tmpdir(), 'nextmodel-demo-'));
  await writeFile(join(folder, 'nextmodel.yaml'), DEMO_CONFIG);
  const env = {
    NEXTMODEL_CONFIG: join(folder, 'nextmodel.yaml'),
    NEXTMODEL_DATA_DIR: join(folder, 'data'),
    NEXTMODEL_PORT: String(await freePort()),
    NEXTMODEL_SQL_PORT: String(await freePort()),
    NEXTMODEL_LOG_LEVEL: 'error',
  };
  const loaded = loadSettings({ env, cwd: folder });
  if (!loaded.ok) throw new Error(loaded.problems.map((problem) => problem.message).join('; '));
  const standalone = await startStandalone({ settings: loaded.settings, logger: createLogger({ level: 'error' }) });
  try {
    const apiKey = standalone.directory.secrets.apiKey.value;
    const client = new OpenAI({ baseURL: standalone.baseUrl, apiKey, maxRetries: 0 }) as unknown as ChatClient;
    const { first, second } = await demoCalls();
    const startedMs = Date.now();
    const failures = await send(client, 'Questions', first);
    await new Promise((resolve) => setTimeout(resolve, INDEX_WAIT_MS));
    failures.push(...(await send(client, 'Again   ', second)));
    const seconds = (Date.now() - startedMs) / 1_000;
    process.stdout.write(
      `\n${first.length + second.length} requests in ${seconds.toFixed(1)} s, ${failures.length} failed.\n`,
    );
    await printReport({
      sqlUrl: standalone.sqlUrl,
      sqlPassword: standalone.directory.secrets.sqlPassword.value,
      expected: first.length + second.length,
    });
    return failures.length === 0 ? EXIT.ok : EXIT.wrong;
  } finally {
    await standalone.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function send(client: ChatClient, label: string, calls: readonly DemoCall[]): Promise<unknown[]> {
  const bar = new ProgressBar(label);
  const failures: unknown[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
      try {
        await ask(client, call);
      } catch (error) {
        failures.push(error);
      }
      bar.show((done += 1), calls.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  bar.end();
  return failures;
}

async function ask(client: ChatClient, call: DemoCall): Promise<void> {
  const answer = await client.chat.completions.create({
    model: call.model,
    stream: call.stream,
    temperature: 0,
    metadata: { tags: [`case=${call.label}`] },
    messages: [{ role: 'user', content: call.prompt }],
  });
  if (call.stream) for await (const _chunk of answer as AsyncIterable<unknown>);
}

async function loadSdk(): Promise<new (options: Record<string, unknown>) => object> {
  try {
    return (await import('openai')).default as unknown as new (options: Record<string, unknown>) => object;
  } catch {
    throw new UsageError('the demo needs the official SDK: npm install openai');
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
