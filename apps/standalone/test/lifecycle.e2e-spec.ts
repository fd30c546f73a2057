import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freePort, startProduct, uuidOf, type Product } from './start-product.js';

/** Secrets are then made at first start. */
const NO_KEYS = {
  NEXTMODEL_API_KEY: undefined,
  NEXTMODEL_ADMIN_TOKEN: undefined,
  NEXTMODEL_SQL_PASSWORD: undefined,
};

describe('a start without configuration, keys and network', () => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct({ configuration: null, env: NO_KEYS });
  });
  afterAll(() => product?.close());

  it('serves the demo provider with the key that it shows once and keeps', async () => {
    const shown = await eventually(() => /nm_[0-9a-f]{12}_[0-9a-f]{64}/.exec(product.output())?.[0]);
    const file = join(product.dataDir, 'secrets', 'api-key');

    const answer = await product.chat('auto', 'What is the capital of France?', { key: shown });

    expect([answer.status, answer.x('provider')]).toEqual([200, 'demo']);
    expect(answer.content).not.toBe('');
    expect(readFileSync(file, 'utf8').trim()).toBe(shown);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(product.output()).toContain(`${product.baseUrl}/v1`);
  });

  it('keeps its keys at the second start and does not show them again', async () => {
    const key = readFileSync(join(product.dataDir, 'secrets', 'api-key'), 'utf8').trim();
    const before = product.output().length;

    const ended = await product.stop();
    await product.start();
    const answer = await product.chat('auto', 'Still there?', { key });

    expect([ended?.code, ended?.signal]).toEqual([0, null]);
    expect(answer.status).toBe(200);
    const second = await eventually(() => {
      const text = product.output().slice(before);
      return text.includes('is ready') && text;
    });
    expect(second.slice(second.indexOf('is ready'))).not.toContain(key);
  });
});

describe('a product that runs', () => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct();
  });
  afterAll(() => product?.close());

  it('was ready within five seconds, and is again after a restart', async () => {
    await product.stop();

    const readyMs = await product.start();

    expect(readyMs).toBeLessThan(5_000);
  });

  it('does not share its data directory: the second process names the first and exits 69', async () => {
    const [port, sqlPort] = [await freePort(), await freePort()];

    const second = await product.spawn(['start'], {
      NEXTMODEL_PORT: String(port),
      NEXTMODEL_SQL_PORT: String(sqlPort),
    }).ended;

    expect(second.code).toBe(69);
    expect(second.stderr).toContain(String(product.pid));
    expect((await product.chat('small', 'the first still serves')).status).toBe(200);
  });

  it.each([
    ['NEXTMODEL_PORT', (): number => product.port],
    ['NEXTMODEL_SQL_PORT', (): number => product.sqlPort],
  ])('leaves its port to nobody: a second product with the same %s exits 69 and says so', async (variable, taken) => {
    const directory = join(product.directory, `other-${variable.toLowerCase()}`);
    mkdirSync(directory);

    const second = await product.spawn(['start'], {
      NEXTMODEL_DATA_DIR: directory,
      NEXTMODEL_PORT: String(await freePort()),
      NEXTMODEL_SQL_PORT: String(await freePort()),
      [variable]: String(taken()),
    }).ended;

    expect(second.code).toBe(69);
    expect(second.stderr).toContain(String(taken()));
  });

  it.each([
    ['the gateway', /apps\/gateway\/src\/main\.js/],
    ['the SQL engine', /sql-engine-main\.js/],
    ['the receipt ingester', /apps\/receipt-ingester\/src\/main\.js/],
  ])('starts %s again when it dies, and no receipt is lost', async (name, command) => {
    const tag = `died-${name.replaceAll(' ', '-')}`;
    const headers = { 'x-nextmodel-tags': `case=${tag}` };
    const before = await product.chat('small', `before ${name} dies`, { headers });
    const [pid] = childrenOf(product.pid, command);
    expect(pid).toBeDefined();

    process.kill(pid as number, 'SIGKILL');
    await eventually(() => {
      const [now] = childrenOf(product.pid, command);
      return now !== undefined && now !== pid;
    });
    const after = await eventually(async () => {
      const answer = await product.chat('small', `after ${name} died`, { headers });
      return answer.status === 200 && answer;
    });

    const rows = await eventually(async () => {
      const found = await product.sql(`SELECT receipt_id FROM receipts FINAL WHERE tags['case'] = '${tag}'`);
      return found.length >= 2 && found;
    });
    expect(rows.map((row) => row[0])).toEqual(
      expect.arrayContaining([uuidOf(before.receiptId), uuidOf(after.receiptId)]),
    );
  });

  it('at SIGTERM, once or twice, takes nothing new, ends its streams whole, and exits 0', async () => {
    const headers = { 'x-nextmodel-tags': 'case=drain' };
    const streams = [1, 2, 3].map((n) => product.stream('a/pour', `drain ${n}`, { headers }));
    const whole = product.chat('a/slow', 'drain whole', { headers });
    await eventually(() => product.alpha.seen('drain') === 4);

    process.kill(product.pid, 'SIGTERM');
    await sleep(250);
    // What npm and terminals do.
    process.kill(product.pid, 'SIGTERM');
    const refused = await product.chat('small', 'too late').then(
      (answer) => answer.status,
      () => 'refused',
    );
    const ended = await product.ended();

    expect(['refused', 503]).toContain(refused);
    expect(product.beta.seen('too late')).toBe(0);
    for (const stream of streams) expect((await stream).frames.at(-1)).toBe('[DONE]');
    expect((await whole).status).toBe(200);
    expect([ended?.code, ended?.signal]).toEqual([0, null]);
    await product.start();
    const rows = await eventually(async () => {
      const found = await product.sql(
        `SELECT toString(status), count() FROM receipts FINAL WHERE tags['case'] = 'drain' GROUP BY status`,
      );
      return found.length > 0 && Number(found[0]?.[1]) === 4 && found;
    });
    expect(rows).toEqual([['ok', '4']]);
  });

  it('leaves no process behind', async () => {
    const { pid } = product;
    const children = childrenOf(pid, /./);
    expect(children.length).toBeGreaterThanOrEqual(3);

    const ended = await product.stop();

    expect(ended?.code).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
  });
});

describe('a configuration with mistakes', () => {
  it('ends start and check with 78 and all mistakes, each with its line and path', async () => {
    const product = await startProduct({ started: false });
    try {
      const file = join(product.directory, 'nextmodel.yaml');
      writeFileSync(
        file,
        [
          'providers:',
          '  alpha: { kind: openai-compatibel, base_url: "http://127.0.0.1:1/v1", api_key: "${NO_SUCH_VARIABLE_HERE}" }',
          'models:',
          '  large: { targets: [ { provider: nobody, model: x } ] }',
          'reliability: { max_attempts: 0 }',
          'cache: { exakt: true }',
          '',
        ].join('\n'),
      );

      const [started, checked] = await Promise.all([
        product.spawn(['start']).ended,
        product.spawn(['config', 'check'], { NEXTMODEL_PORT: 'eighty' }).ended,
      ]);

      for (const ended of [started, checked]) {
        expect(ended.code).toBe(78);
        for (const mistake of [
          /nextmodel\.yaml:2.*kind/,
          /NO_SUCH_VARIABLE_HERE/,
          /nextmodel\.yaml:4.*nobody/,
          /nextmodel\.yaml:5.*max_attempts/,
          /nextmodel\.yaml:6.*exakt/,
        ]) {
          expect(ended.stderr).toMatch(mistake);
        }
      }
      expect(checked.stderr).toMatch(/NEXTMODEL_PORT/);
    } finally {
      await product.close();
    }
  });
});

function childrenOf(parent: number, command: RegExp): readonly number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, words] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && command.test(words ?? '') ? [Number(pid)] : [];
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
