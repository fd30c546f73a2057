import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpenAI } from 'openai';
import { killGroup, runExecutable, type Ended, type Run } from './run-executable.js';
import { startUpstream, type ScriptedUpstream } from './scripted-upstream.js';
import { configuration, PRICES } from './test-configuration.js';

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 40_000;
const COMMAND_MS_MAX = 90_000;

export const KEY = 'nm_tests_0123456789abcdef0123456789abcdef';
export const ADMIN_TOKEN = 'admin-0123456789abcdef0123456789abcdef';
export const SQL_PASSWORD = 'sql-0123456789abcdef';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
  readonly text: string;
}

/** An answer of the gateway; `x` reads a header by its name after `x-nextmodel-`. */
export interface ChatAnswer extends Answer {
  x(name: string): string | null;
  readonly receiptId: string;
  /** Text of the first choice. */
  readonly content: string;
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export interface AskOptions {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface ProductOptions {
  /** `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default true. */
  readonly started?: boolean;
  /** Text of `nextmodel.yaml`; `null` = no file. Default: both upstreams and all aliases. */
  readonly configuration?: string | null;
}

/** The built product with two scripted upstreams, a data directory of its own and free ports. */
export class Product {
  #run: Run | null = null;
  readonly #outputs: (() => string)[] = [];
  readonly dataDir: string;
  readonly baseUrl: string;

  constructor(
    readonly directory: string,
    readonly port: number,
    readonly sqlPort: number,
    readonly alpha: ScriptedUpstream,
    readonly beta: ScriptedUpstream,
    private readonly extraEnv: Readonly<Record<string, string | undefined>>,
  ) {
    this.dataDir = join(directory, 'data');
    this.baseUrl = `http://127.0.0.1:${port}`;
  }

  env(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(NEXTMODEL_|VITEST|NODE_ENV|.*_API_KEY$)/.test(name),
    );
    return {
      ...Object.fromEntries(inherited),
      NEXTMODEL_DATA_DIR: this.dataDir,
      NEXTMODEL_PORT: String(this.port),
      NEXTMODEL_SQL_PORT: String(this.sqlPort),
      NEXTMODEL_API_KEY: KEY,
      NEXTMODEL_ADMIN_TOKEN: ADMIN_TOKEN,
      NEXTMODEL_SQL_PASSWORD: SQL_PASSWORD,
      ...this.extraEnv,
    };
  }

  /** Runs the executable; `env` is laid over the product's own. */
  spawn(words: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const run = runExecutable(words, { ...this.env(), ...env }, this.directory);
    this.#outputs.push(run.output);
    return run;
  }

  /** Runs a command to its end. */
  async cli(...words: readonly string[]): Promise<Ended> {
    const run = this.spawn(words);
    const timer = setTimeout(() => killGroup(run.pid), COMMAND_MS_MAX);
    try {
      return await run.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns milliseconds until requests were taken. */
  async start(): Promise<number> {
    const began = performance.now();
    const run = this.spawn(['start']);
    this.#run = run;
    for (;;) {
      if (!run.running) throw new Error(`the product ended while starting: ${run.output().slice(-2_000)}`);
      const ready = await fetch(`${this.baseUrl}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return performance.now() - began;
      if (performance.now() - began > READY_MS_MAX) throw new Error(`not ready: ${run.output().slice(-2_000)}`);
      await sleep(50);
    }
  }

  /** The process that owns the data directory; throws while none runs. */
  get pid(): number {
    if (this.#run === null) throw new Error('the product does not run');
    return this.#run.pid;
  }

  /** SIGTERM to the supervisor, or SIGKILL to it and all its children; waits until all are gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<Ended | null> {
    const run = this.#run;
    if (run === null) return null;
    this.#run = null;
    if (signal === 'SIGKILL') killGroup(run.pid);
    else if (run.running) process.kill(run.pid, 'SIGTERM');
    return this.#gone(run);
  }

  /** Waits for the end of a product that was signalled before. */
  async ended(): Promise<Ended | null> {
    const run = this.#run;
    this.#run = null;
    return run === null ? null : this.#gone(run);
  }

  async #gone(run: Run): Promise<Ended> {
    const timer = setTimeout(() => killGroup(run.pid), STOP_MS_MAX);
    const ended = await run.ended;
    clearTimeout(timer);
    return ended;
  }

  /** All that any process of this product has printed so far. */
  output(): string {
    return this.#outputs.map((output) => output()).join('\n');
  }

  client(key = KEY): OpenAI {
    return new OpenAI({ baseURL: `${this.baseUrl}/v1`, apiKey: key, maxRetries: 0 });
  }

  async request(
    method: string,
    path: string,
    options: AskOptions & { readonly raw?: string } = {},
  ): Promise<ChatAnswer> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(options.key === '' ? {} : { authorization: `Bearer ${options.key ?? KEY}` }),
        ...options.headers,
      },
      ...(method === 'GET' ? {} : { body: options.raw ?? JSON.stringify(options.body ?? {}) }),
    });
    const text = await response.text();
    return toAnswer(response, text);
  }

  /** One chat question that is not streamed. */
  chat(model: string, content: string, options: AskOptions = {}): Promise<ChatAnswer> {
    const body = { model, messages: [{ role: 'user', content }], ...options.body };
    return this.request('POST', '/v1/chat/completions', { ...options, body });
  }

  /** One streamed question: the data of all frames as they came. */
  async stream(
    model: string,
    content: string,
    options: AskOptions = {},
  ): Promise<{ answer: ChatAnswer; frames: string[] }> {
    const answer = await this.chat(model, content, { ...options, body: { stream: true, ...options.body } });
    const frames = answer.text
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: '))
      .map((frame) => frame.slice(6));
    return { answer, frames };
  }

  admin(method: string, path: string, body?: Readonly<Record<string, unknown>>): Promise<ChatAnswer> {
    return this.request(method, `/admin/v1${path}`, { key: ADMIN_TOKEN, ...(body === undefined ? {} : { body }) });
  }

  /** Makes a virtual key. */
  async newKey(wish: Readonly<Record<string, unknown>>): Promise<{ readonly id: string; readonly key: string }> {
    const made = await this.admin('POST', '/keys', wish);
    if (made.status !== 201) throw new Error(`no key was made: ${made.text}`);
    return made.body as unknown as { id: string; key: string };
  }

  /** Rows of a query as the read-only user; numbers that do not fit a double come as text. */
  async sql(query: string): Promise<readonly (readonly unknown[])[]> {
    const settings =
      'default_format=JSONCompact&output_format_json_quote_decimals=1&output_format_json_quote_64bit_integers=1';
    const response = await fetch(`http://127.0.0.1:${this.sqlPort}/?database=nextmodel&${settings}`, {
      method: 'POST',
      body: query,
      headers: { 'x-clickhouse-user': 'audit', 'x-clickhouse-key': SQL_PASSWORD },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`SQL answered ${response.status}: ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: (readonly unknown[])[] }).data;
  }

  /** The first row of a query, once there is one. */
  async row(query: string): Promise<readonly string[]> {
    const found = await eventually(async () => (await this.sql(query))[0]);
    return found.map(String);
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    await Promise.all([this.alpha.close(), this.beta.close()]);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const directory = mkdtempSync(join(tmpdir(), 'nextmodel-e2e-'));
  const [alpha, beta] = await Promise.all([startUpstream('alpha'), startUpstream('beta')]);
  const [port, sqlPort, dead] = await Promise.all([freePort(), freePort(), freePort()]);
  writeFileSync(join(directory, 'prices.yaml'), PRICES);
  const given = options.configuration;
  const text = given === undefined ? configuration({ alpha: alpha.port, beta: beta.port, dead }) : given;
  if (text !== null) writeFileSync(join(directory, 'nextmodel.yaml'), text);
  const product = new Product(directory, port, sqlPort, alpha, beta, options.env ?? {});
  try {
    if (options.started !== false) await product.start();
    return product;
  } catch (error) {
    await product.close();
    throw error;
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Asks again until there is a value. @throws Error with the last failure when there is none in time. */
export async function eventually<T>(
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  waitMs = 15_000,
): Promise<T> {
  const end = performance.now() + waitMs;
  let last: unknown = new Error(`nothing came within ${waitMs} ms`);
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== null && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw last;
    await sleep(50);
  }
}

/** The id as SQL has it. */
export const uuidOf = (receiptId: string): string => receiptId.replace(/^rcpt_/, '');

function toAnswer(response: Response, text: string): ChatAnswer {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A stream or a page.
  }
  const choices = body['choices'] as readonly { readonly message: { readonly content: string } }[] | undefined;
  return {
    status: response.status,
    headers: response.headers,
    body,
    text,
    x: (name) => response.headers.get(`x-nextmodel-${name}`),
    receiptId: response.headers.get('x-nextmodel-receipt-id') ?? '',
    content: choices?.[0]?.message.content ?? '',
    error: body['error'] as ChatAnswer['error'],
  };
}
