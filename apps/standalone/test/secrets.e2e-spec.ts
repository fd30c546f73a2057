import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, eventually, KEY, SQL_PASSWORD, startProduct, type Product } from './start-product.js';
import { PROVIDER_SECRETS } from './test-configuration.js';

/** Words that stand in prompts and answers of these tests and nowhere else. */
const PROMPTS = [
  'zanzibarprompt',
  'quokkastream',
  'xylophonefailure',
  'yurtrefused',
  'walrusabort',
  'vellumembedding',
  'umbrellasystem',
];
let product: Product;
let made: { readonly id: string; readonly key: string };
let metrics: string;
let sqlText: string;

beforeAll(async () => {
  product = await startProduct({ env: { NEXTMODEL_LOG_LEVEL: 'debug' } });
  made = await product.newKey({ name: 'made here' });
  await useEverything();
  metrics = (await product.request('GET', '/metrics', { key: '' })).text;
  await eventually(async () => Number((await product.sql('SELECT count() FROM receipts'))[0]?.[0]) >= 10);
  const tables = ['receipts', 'attempts', 'adjustments', 'log_entries'];
  sqlText = JSON.stringify(await Promise.all(tables.map((table) => product.sql(`SELECT * FROM ${table}`))));
  await product.stop();
});
afterAll(() => product?.close());

/** Whole, streamed, cached, failed, refused, aborted. */
async function useEverything(): Promise<void> {
  const asked = { body: { temperature: 0, user: 'walrusabort-user' }, key: made.key };
  await product.chat('large', 'What does zanzibarprompt mean?', asked);
  await product.chat('large', 'What does zanzibarprompt mean?', asked);
  await product.chat('large', 'What might zanzibarprompt mean?', asked);
  await product.chat('auto', 'Prove zanzibarprompt by induction.', asked);
  await product.stream('large', 'Tell me of quokkastream.', asked);
  await product.chat('resilient', 'About xylophonefailure.', asked);
  await product.chat('a/fail-500', 'About xylophonefailure.', asked);
  await product.stream('a/cut', 'About xylophonefailure.', asked);
  await product.chat('nobody', 'About yurtrefused.', asked);
  await product.chat('large', 'About yurtrefused.', { key: 'nm_wrong_yurtrefused' });
  await product.request('POST', '/v1/chat/completions', { raw: '{"model":"large","messages":"yurtrefused' });
  await product.admin('POST', '/keys', { nam: 'yurtrefused' });
  await product.request('POST', '/v1/embeddings', { body: { model: 'large', input: 'vellumembedding' } });
  await product.chat('small', 'x', {
    body: {
      messages: [
        { role: 'system', content: 'umbrellasystem' },
        { role: 'user', content: 'zanzibarprompt' },
      ],
    },
  });
  const stop = new AbortController();
  const abandoned = product
    .client()
    .chat.completions.create(
      { model: 'a/slow', messages: [{ role: 'user', content: 'walrusabort' }] },
      { signal: stop.signal },
    )
    .catch(() => undefined);
  await eventually(() => product.alpha.seen('walrusabort') === 1);
  stop.abort();
  await abandoned;
}

const SECRETS: readonly (readonly [name: string, secret: () => string])[] = [
  ...PROVIDER_SECRETS.map((secret) => ['a key of a provider', () => secret] as const),
  ['the admin token', () => ADMIN_TOKEN],
  ['the SQL password', () => SQL_PASSWORD],
  ['the first key', () => KEY],
  ['the secret of a key made over HTTP', () => made.key.slice(`nm_${made.id}_`.length)],
];

describe('no secret and no prompt', () => {
  it('is in anything that was printed, at the most talkative level', () => {
    const printed = product.output();

    expect(printed.length).toBeGreaterThan(100);
    for (const [name, secret] of SECRETS) expect(printed.includes(secret()), name).toBe(false);
    for (const prompt of PROMPTS) expect(printed.includes(prompt), prompt).toBe(false);
  });

  it('is in any file of the data directory', () => {
    const files = filesUnder(product.dataDir);

    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const bytes = readFileSync(file);
      const shown = relative(product.dataDir, file);
      for (const [name, secret] of SECRETS) expect(bytes.includes(secret()), `${name} in ${shown}`).toBe(false);
      for (const prompt of PROMPTS) expect(bytes.includes(prompt), `${prompt} in ${shown}`).toBe(false);
    }
  });

  it('is in the metrics or in any table', () => {
    for (const text of [metrics, sqlText]) {
      expect(text.length).toBeGreaterThan(200);
      for (const [name, secret] of SECRETS) expect(text.includes(secret()), name).toBe(false);
      for (const prompt of PROMPTS) expect(text.includes(prompt), prompt).toBe(false);
    }
  });

  it('was sent to a provider other than the one it belongs to', () => {
    for (const call of product.alpha.calls) expect(call.authorization).toBe(`Bearer ${PROVIDER_SECRETS[0]}`);
    for (const call of product.beta.calls) expect(call.authorization).toBe(`Bearer ${PROVIDER_SECRETS[1]}`);
  });
});

function filesUnder(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
