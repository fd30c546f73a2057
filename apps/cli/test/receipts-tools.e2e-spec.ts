import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSegmentReader, openSegmentWriter } from '#event-log/event-log.module.js';
import { decodeEvent, encodeEvent } from '#events/domain/event-codec.js';
import type { ContentStored } from '#events/domain/router-event.js';
import { contentSubjectOf, createContentCipher, openKeyFile } from '#semantic-cache/semantic-cache.module.js';
import type { Ended } from '../../standalone/test/run-executable.js';
import { eventually, startProduct, uuidOf, type Product } from '../../standalone/test/start-product.js';
import { startBooks, type Books } from './openrouter-books.js';

let product: Product;
let unpriced: string;

let books: Books;

beforeAll(async () => {
  product = await startProduct({ started: false });
  books = await startBooks();
  const path = join(product.directory, 'nextmodel.yaml');
  const provider = `  books: { kind: openrouter, base_url: "${books.url}", api_key: books-secret }\n`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^models:/m, `${provider}models:`));
  await product.start();
  for (let n = 0; n < 6; n += 1) await product.chat(n % 2 === 0 ? 'large' : 'small', `question ${n}`);
  const answer = await product.chat('a/unpriced', 'no price');
  unpriced = uuidOf(answer.receiptId);
  await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${unpriced}'`);
});
afterAll(async () => {
  await product?.close();
  await books?.close();
});

function file(name: string, text: string): string {
  const path = join(product.directory, name);
  writeFileSync(path, text);
  return path;
}
const PERIOD = ['--from', '2026-01-01'] as const;
const effective = (): Promise<readonly string[]> =>
  product.row(`SELECT effective_usd, adjustments FROM receipts_effective WHERE receipt_id = '${unpriced}'`);

describe('prices', () => {
  it('are refused with all problems and their places, and nothing is published', async () => {
    const path = file(
      'bad.yaml',
      '- { provider: alpha, model: x, usd_per_million: { output_text: -1 } }\n- { provider: alpha, model: y, currency: XYZ, per_million: { output_text: 1 } }\n',
    );

    const ended = await product.cli('prices', 'publish', path);

    expect(ended.code).toBe(78);
    expect(ended.stderr).toMatch(/bad\.yaml:1 .*negative[^]*bad\.yaml:2 .*XYZ/);
    expect((await product.chat('a/x', 'still unpriced')).x('cost-usd') ?? '').not.toMatch(/\d/);
  });

  it('hold for the next request once they are published, and publishing again does nothing', async () => {
    const path = file(
      'good.yaml',
      '- { provider: alpha, model: x, usd_per_million: { input_uncached: 1, output_text: 1 } }\n',
    );

    const first = await product.cli('prices', 'publish', path);
    const priced = await product.chat('a/x', 'priced now');
    const again = await product.cli('prices', 'publish', path);

    expect([first.code, first.stdout.includes('1 of 1 were published')]).toEqual([0, true]);
    expect(priced.x('cost-usd')).toMatch(/^0\.\d+$/);
    expect(again.stdout).toContain('0 of 1 were published');
  });
});

const prices = (): string =>
  file('new.yaml', '- { provider: alpha, model: unpriced, usd_per_million: { input_uncached: 1, output_text: 1 } }\n');

describe('rerate', () => {
  it('only says what it would write with --dry-run', async () => {
    const ended = await product.cli('rerate', ...PERIOD, '--prices', prices(), '--dry-run');

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/alpha\s+unpriced\s+1\s+1\s+1\s+0/);
    expect(ended.stdout).toContain('2 adjustments would be written');
    expect((await effective())[1]).toBe('0');
  });

  it('prices what had no price, once', async () => {
    const first = await product.cli('rerate', ...PERIOD, '--prices', prices());
    await eventually(async () => (await effective())[1] === '1');
    const second = await product.cli('rerate', ...PERIOD, '--prices', prices());

    expect(first.stdout).toContain('2 adjustments were written');
    expect(second.stdout).toContain('0 adjustments were written');
    expect(Number((await effective())[0])).toBeGreaterThan(0);
    const receipt = await product.request('GET', `/v1/receipts/${unpriced}`);
    expect(receipt.body).toMatchObject({ cost_usd: null, cost_status: 'unpriced' });
  });
});

const sqlTotal = async (): Promise<string | undefined> =>
  (await product.row('SELECT toString(sum(ifNull(effective_usd, 0))) FROM receipts_effective'))[0];

describe('the books', () => {
  const month = new Date().toISOString().slice(0, 7);

  it('of a month are the same bytes each time, and agree with SQL', async () => {
    const first = await product.cli('close', month, '--draft');
    const second = await product.cli('close', month, '--draft');

    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(second.stdout).toBe(first.stdout);
    const { tenants } = JSON.parse(first.stdout) as { tenants: { total_usd: string; adjustments: unknown[] }[] };
    expect(tenants.map(({ total_usd }) => total_usd)).toEqual([await sqlTotal()]);
    expect(tenants[0]?.adjustments).toMatchObject([{ of_month: month, reason: 'rerated', count: 2 }]);
    expect((await product.cli('close', month)).code).toBe(2);
  });

  it('take a correction that claims to be years old into the present month', async () => {
    const before = JSON.parse((await product.cli('close', '2020-01')).stdout) as { tenants: unknown[] };
    const answer = await product.admin('POST', '/adjustments', {
      adjustments: [
        {
          receipt_id: unpriced,
          tenant_id: 'default',
          seq: 2,
          delta_pico_usd: '7',
          reason: 'backdated',
          evidence: '',
          adjusted_at: '2020-01-02T00:00:00.000Z',
        },
      ],
    });
    await eventually(async () => (await effective())[1] === '2');

    const present = await product.cli('close', month, '--draft');
    const past = JSON.parse((await product.cli('close', '2020-01')).stdout) as { tenants: unknown[] };

    expect(answer.status).toBe(201);
    expect([before.tenants, past.tenants]).toEqual([[], []]);
    expect(JSON.parse(present.stdout)).toMatchObject({
      tenants: [{ adjustments: [{ reason: 'backdated', of_month: month, count: 1, delta_usd: '0.000000000007' }, {}] }],
    });
  });

  it('are compared with those of OpenRouter call by call, and corrected once', async () => {
    const asked = await product.chat('books/some/model', 'without usage');
    const id = uuidOf(asked.receiptId);
    await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${id}'`);

    const found = await product.cli('reconcile', '--generations', ...PERIOD);
    const adjusted = await product.cli('reconcile', '--generations', ...PERIOD, '--adjust');
    const again = await product.cli('reconcile', '--generations', ...PERIOD, '--adjust');
    const cost = await eventually(async () => {
      const [row] = await product.sql(
        `SELECT adjustments, effective_usd FROM receipts_effective WHERE receipt_id = '${id}'`,
      );
      return String(row?.[0]) === '1' && row?.[1];
    });

    expect([asked.status, found.code, adjusted.code, again.code], found.stderr).toEqual([200, 1, 0, 0]);
    expect(found.stdout).toMatch(/books +some\/model +1 +0\.0015 .*late_usage\n1 receipts could be corrected/);
    expect(adjusted.stdout).toContain('1 receipts were corrected by late usage.');
    expect(again.stdout).toContain('0 receipts were corrected by late usage.');
    expect(Number(cost)).toBe(0.0015);
    expect(books.asked.every((url) => url === '/api/v1/generation?id=gen-1')).toBe(true);
    expect((await product.cli('reconcile', '--generations')).code).toBe(2);
  });

  it('go out as FOCUS', async () => {
    const ended = await product.cli('export', 'focus', ...PERIOD, '--format', 'json');
    const csv = await product.cli('export', 'focus', ...PERIOD);

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const rows = JSON.parse(ended.stdout) as { EffectiveCost: string; ChargeDescription: string }[];
    const sum = rows.reduce((total, row) => total + Number(row.EffectiveCost), 0);
    expect(sum).toBeCloseTo(Number(await sqlTotal()), 11);
    expect(rows.some(({ ChargeDescription }) => ChargeDescription === 'Correction: rerated')).toBe(true);
    expect(csv.stdout.trim().split('\n')).toHaveLength(rows.length + 1);
  });

  it('are compared with an invoice', async () => {
    const day = new Date().toISOString().slice(0, 10);
    const spent = await product.row("SELECT toString(sum(cost_usd)) FROM attempts WHERE model = 'beta-small'");
    const right = file('invoice.csv', `provider,model,day,cost_usd\nbeta,beta-small,${day},${spent[0]}\n`);
    const wrong = file('wrong.csv', `provider,model,day,cost_usd\nbeta,beta-small,${day},7\nbeta,lost,${day},1\n`);

    const fine = await product.cli('reconcile', right);
    const drift = await product.cli('reconcile', wrong);

    expect([fine.code, fine.stderr]).toEqual([0, '']);
    expect(drift.code).toBe(1);
    expect(drift.stdout).toMatch(/beta-small.*price\n.*lost.*missing_receipts/);
    expect((await product.cli('reconcile', file('odd.csv', 'provider\n,\n'))).code).toBe(78);
  });
});

const ask = (user: string) =>
  product.chat('small', `What does ${user} like?`, { body: { temperature: 0, user, seed: 1 } });

describe('what another policy would have cost', () => {
  it('is the recorded cost under the present one', async () => {
    const ended = await product.cli(
      'replay',
      '--since',
      '2026-01-01',
      '--policy',
      join(product.directory, 'nextmodel.yaml'),
    );

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/alpha\/alpha-large +alpha\/alpha-large +3 +0\.0075 +0\.0075 +0 /);
    expect(ended.stdout).toMatch(/Assumed: /);
  });

  it('moves requests to other targets and prices them there', async () => {
    const present = readFileSync(join(product.directory, 'nextmodel.yaml'), 'utf8');
    const cheap = present.replace(/^ {2}large:.*$/m, '  large: { targets: [ { provider: beta, model: beta-small } ] }');

    const ended = await product.cli('replay', '--since', '2026-01-01', '--policy', file('cheap.yaml', cheap));
    const dearer = await product.cli(
      'replay',
      '--since',
      '2026-01-01',
      '--prices',
      file(
        'dear.yaml',
        '- { provider: alpha, model: alpha-large, usd_per_million: { input_uncached: 100, output_text: 100 } }\n',
      ),
    );

    expect(cheap).not.toBe(present);
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/alpha\/alpha-large +beta\/beta-small +3 +0\.0075 +0\.000375 +-0\.007125 /);
    expect(ended.stdout).toMatch(
      /^2026-01-01 00:00 to .* UTC, all tenants: as it was, and with the policy of .*cheap\.yaml\.$/m,
    );
    expect(dearer.stdout).toMatch(/alpha\/alpha-large +alpha\/alpha-large +3 +0\.0075 +0\.33 /);
    expect((await product.cli('replay', '--since', '2026-01-01')).code).toBe(2);
  });

  it('says what it cannot know', async () => {
    const present = readFileSync(join(product.directory, 'nextmodel.yaml'), 'utf8');
    const auto = present.replace(
      /^ {4}- \{ name: legacy.*$/m,
      '    - { name: all-auto, when: { model: "large" }, use: auto }',
    );

    const ended = await product.cli('replay', '--since', '2026-01-01', '--policy', file('auto.yaml', auto));

    expect(auto).not.toBe(present);
    expect(ended.stdout).toMatch(/Not compared:[^]*3 needs the prompt/);
  });
});

describe('erasing', () => {
  it('takes the answers of one user out of the cache, for good, and leaves receipts and other users', async () => {
    const [alice, bob] = [await ask('alice'), await ask('bob')];
    await eventually(async () =>
      [(await ask('alice')).x('cache'), (await ask('bob')).x('cache')].every((hit) => hit === 'HIT'),
    );

    const ended = await product.cli('erase', '--user', 'alice');

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/^default:[0-9a-f]{32} is erased: [1-9]/);
    // A flight is joined for a moment after it has landed.
    await eventually(async () => (await ask('alice')).x('cache') === 'MISS');
    expect((await ask('bob')).x('cache')).toBe('HIT');
    expect((await product.request('GET', `/v1/receipts/${alice.receiptId}`)).status).toBe(200);
    await product.stop();
    await product.start();
    expect((await ask('alice')).x('cache')).toBe('MISS');
    expect((await ask('bob')).x('cache')).toBe('HIT');
    expect(bob.status).toBe(200);
    expect((await product.cli('erase')).code).toBe(2);
    expect((await product.cli('erase', '--subject', 'other:1')).code).toBe(2);
  });
});

const secrets = (): string => join(product.dataDir, 'secrets');
const masterKey = (): string => readFileSync(join(secrets(), 'master-key'), 'utf8').trim();
const unlocked = (events: readonly ContentStored[]): number => {
  const cipher = createContentCipher(masterKey(), openKeyFile(join(secrets(), 'subject-keys.sqlite')));
  const opened = events.filter(({ keyId, sealed }) => cipher.open(keyId, sealed) !== null).length;
  void cipher.close();
  return opened;
};
const contentOf = async (subject: string): Promise<readonly ContentStored[]> => {
  const reader = await openSegmentReader({ directory: join(product.dataDir, 'log') });
  const from = { topic: 'nextmodel.content', partition: 0, offset: 0n };
  const { records } = await reader.read(from, { recordsMax: 1_000, bytesMax: 1e8, waitMs: 0 });
  await reader.close();
  return records.flatMap((record) => {
    const decoded = decodeEvent(record);
    return decoded.ok && decoded.event.type === 'nextmodel.content.stored.v1' && decoded.event.data.subject === subject
      ? [decoded.event.data]
      : [];
  });
};
const asked = (user: string) =>
  product.chat('small', `what does ${user} want?`, { body: { user } }).then((answer) => uuidOf(answer.receiptId));

describe('erasing with everything in hand', () => {
  it('leaves content in the log that the master key and the whole data directory do not open; proofs verify', async () => {
    const receiptId = await asked('carol');
    const subject = contentSubjectOf(createContentCipher(masterKey()), 'default', 'carol');
    await eventually(async () => (await contentOf(subject)).length === 1);
    const before = await contentOf(subject);
    const opened = unlocked(before);

    const ended = await product.cli('erase', '--user', 'carol');

    expect([opened, ended.code]).toEqual([1, 0]);
    expect([await contentOf(subject), unlocked(before)]).toEqual([before, 0]);
    expect((await product.cli('replay', 'cache')).code).toBe(0);
    const verified = await product.cli('verify', receiptId);
    expect([verified.stdout, verified.code]).toEqual([expect.stringContaining('\nVerified.'), 0]);
    const compared = await product.cli('verify', receiptId, '--request', file('guess.json', '{"guess":1}'));
    expect([compared.code, compared.stdout]).toEqual([0, expect.stringMatching(/\? +body .*destroyed/) as string]);
  });

  it('ends at the next start when it died between its event and the keys', async () => {
    await asked('dave');
    const subject = contentSubjectOf(createContentCipher(masterKey()), 'default', 'dave');
    await eventually(async () => (await contentOf(subject)).length === 1);
    const before = await contentOf(subject);
    await product.stop();
    const writer = await openSegmentWriter({
      directory: join(product.dataDir, 'log'),
      partition: 0,
      durability: 'strict',
    });
    const erasedAt = new Date().toISOString();
    const data = { tenantId: 'default', subject, erasedAt };
    await writer.append([encodeEvent('nextmodel.subject.erased.v1', `${subject}/erased`, subject, erasedAt, data)])
      .durable;
    await writer.close();
    const opened = unlocked(before);

    await product.start();

    expect([opened, unlocked(before)]).toEqual([1, 0]);
  });
});

describe('audit recompute', () => {
  it('computes every cost again from records that stand in the log', async () => {
    const ended = await product.cli('audit', 'recompute');

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toMatch(
      /receipts\s+attempts\s+priced\s+price_records\s+mismatches\n[-\s]+\n\s*\d+\s+\d+\s+\d+\s+[1-9]\d*\s+0\n/,
    );
  });

  it('still does so when the operator has changed the price file', async () => {
    await product.stop();
    file(
      'prices.yaml',
      '- { provider: beta, model: beta-small, usd_per_million: { input_uncached: 9, output_text: 9 } }\n',
    );

    const ended = await product.cli('audit', 'recompute');

    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(/ 0\n/) as string]);
  });
});

describe('audit rollups', () => {
  it('names the days that differ from the receipts, and repairs them on a stopped instance', async () => {
    await product.stop();
    await product.start();
    const running = await product.cli('audit', 'rollups', '--repair');
    const dieBehind = async (): Promise<Ended> => {
      // The first may be in the rollups already; they are made at most once a minute.
      for (const text of ['before', 'after']) {
        const { receiptId } = await product.chat('small', `the rollups, ${text}`);
        await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${uuidOf(receiptId)}'`);
      }
      await product.stop('SIGKILL');
      return product.cli('audit', 'rollups');
    };

    let wrong = await dieBehind();
    // On a machine that is slow enough the minute ended between the two.
    for (let tries = 0; wrong.code === 0 && tries < 2; tries += 1) {
      await product.start();
      wrong = await dieBehind();
    }
    const repaired = await product.cli('audit', 'rollups', '--repair');
    const right = await product.cli('audit', 'rollups');

    expect(running.stderr).toContain('only compared');
    expect(
      [wrong.code, repaired.code, right.code],
      [wrong, repaired, right].map((each) => each.stdout + each.stderr).join('|'),
    ).toEqual([1, 0, 0]);
    expect(wrong.stdout).toMatch(
      /day +rollup +requests +of_receipts\n[-\s]+\n20\d\d-.*spend_key_daily[^]*drifts: not repaired\.\n$/,
    );
    expect(repaired.stdout).toMatch(/drifts: repaired\.\n$/);
    expect(right.stdout).toMatch(/^\d+ days, 0 drifts: all agree with the receipts\.\n$/);
    expect((await product.cli('audit', 'rollups', 'odd')).code).toBe(2);
  });
});
