import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatVerifierKey } from '#transparency/domain/verifier-key.js';
import { NODE_CRYPTO, openSigner } from '#transparency/transparency.module.js';
import { logVerifierKey } from '#transparency/usecases/log-sequencer.js';
import { startWitness, type RunningWitness } from '../../../tools/witness/start-witness.js';
import { eventually, startProduct, uuidOf, type Product } from '../../standalone/test/start-product.js';
import { VERIFY_OPTIONS } from '../src/verify/verify-options.js';

const REQUEST = { model: 'large', messages: [{ role: 'user', content: 'Is 7 a prime?' }] };
let product: Product;
let id: string;
let early: string;
const kept = (name: string): string => join(product.directory, 'kept', name);
const read = (name: string): string => readFileSync(kept(name), 'utf8');
function file(name: string, text: string | Uint8Array): string {
  const path = join(product.directory, name);
  writeFileSync(path, text);
  return path;
}

let witness: RunningWitness;

beforeAll(async () => {
  product = await startProduct({ started: false });
  const signer = await openSigner(join(product.dataDir, 'secrets', 'transparency-key'));
  witness = await startWitness('witness.example/w1', formatVerifierKey(logVerifierKey(signer, 0, NODE_CRYPTO.digest)));
  const witnesses = `{ key: "${witness.key}", url: "${witness.url}", allow_private: true }`;
  const path = join(product.directory, 'nextmodel.yaml');
  const text = `${readFileSync(path, 'utf8')}transparency: { witnesses: [${witnesses}], witness_every_s: 1 }\n`;
  writeFileSync(path, text);
  await product.start();
  early = uuidOf((await product.chat('small', 'the first')).receiptId);
  await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${early}'`);
  const first = await product.cli('verify', early, '--save', join(product.directory, 'kept'));
  if (first.code !== 0) throw new Error(first.stdout + first.stderr);
  const answer = await product.request('POST', '/v1/chat/completions', { raw: JSON.stringify(REQUEST) });
  id = uuidOf(answer.receiptId);
  file('sent.json', JSON.stringify(REQUEST));
  file('received.json', answer.text);
  await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${id}'`);
});
afterAll(async () => {
  await product?.close();
  await witness?.stop();
  witness?.remove();
});

const states = (stdout: string): string[] =>
  (JSON.parse(stdout) as { findings: { check: string; state: string }[] }).findings.map(
    ({ check, state }) => `${check} ${state}`,
  );

describe('verify', () => {
  it('checks a receipt of the running instance with its bodies, and keeps the evidence', async () => {
    const bodies = [
      '--request',
      join(product.directory, 'sent.json'),
      '--response',
      join(product.directory, 'received.json'),
    ];
    const ended = await product.cli(
      'verify',
      id,
      '--save',
      join(product.directory, 'kept'),
      '--format',
      'json',
      ...bodies,
    );

    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(states(ended.stdout).join(', ')).toBe(
      'key unknown, checkpoint ok, inclusion ok, receipt ok, fields ok, sums ok, cost ok, price ok, sql ok, body ok, body ok',
    );
  });

  it.each([
    ['a stream without usage', { stream: true }],
    ['a stream with usage', { stream: true, stream_options: { include_usage: true } }],
    ['a second time, out of the cache', { temperature: 0, stream: true }],
  ])('proves the answer of %s to whoever received it', async (name, wish) => {
    const body = { ...REQUEST, ...wish };
    let answer = await product.request('POST', '/v1/chat/completions', { raw: JSON.stringify(body) });
    if (name.includes('cache'))
      answer = await product.request('POST', '/v1/chat/completions', { raw: JSON.stringify(body) });
    const bodies = [file('asked.json', JSON.stringify(body)), file('streamed.txt', answer.text)] as const;
    const changed = file('changed.txt', answer.text.replace('"delta"', '"Delta"'));
    const verify = (response: string) =>
      product.cli('verify', answer.receiptId, '--request', bodies[0], '--response', response);

    const sound = await verify(bodies[1]);
    const wrong = await verify(changed);

    expect([sound.code, sound.stderr], sound.stdout).toEqual([0, '']);
    expect(wrong.stdout).toMatch(/WRONG +body +the response of \d+ bytes is not/);
  });

  it('finds nothing wrong with receipts of any ending: failover, refusals, breaks, hits, no price', async () => {
    const wishes: readonly [string, Readonly<Record<string, unknown>>][] = [
      ['resilient', {}],
      ['all-fail', {}],
      ['a/unpriced', {}],
      ['no-such-model', {}],
      ['late-cut-first', { stream: true }],
      ['small', { temperature: 7 }],
      ['small', { temperature: 0 }],
      ['small', { temperature: 0 }],
    ];
    const ids: string[] = [];
    for (const [model, body] of wishes) {
      const options = { body: { user: 'alice', ...body }, headers: { 'x-nextmodel-tags': 'team=ä,empty=' } };
      ids.push((await product.chat(model, 'any ending', options)).receiptId);
    }
    await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${uuidOf(ids.at(-1) ?? '')}'`);

    for (const [n, each] of ids.entries()) {
      const ended = await product.cli('verify', each);

      expect(ended.code, `${wishes[n]?.[0]}: ${ended.stdout}${ended.stderr}`).toBe(0);
      expect(ended.stdout, wishes[n]?.[0]).toMatch(/ok +sql/);
    }
  });

  it('needs nothing but files offline, and names what was changed in them', async () => {
    const [event, proof, key] = [kept(`${id}.json`), kept(`${id}.tlog-proof`), kept('transparency-key')];
    const offline = (change: Record<string, string>) => {
      const given = { event, proof, key, ...change };
      return product.cli('verify', ...Object.entries(given).flatMap(([name, path]) => [`--${name}`, path]));
    };
    const dearer = read(`${id}.json`).replace(/"costPicoUsd":"(\d)/, '"costPicoUsd":"9$1');
    const prices =
      '- { provider: alpha, model: alpha-large, valid_from: 2026-01-01, usd_per_million: { input_uncached: 3, input_cache_read: 0.5, output_text: 8, output_reasoning: 8 } }\n';

    const sound = await offline({});
    const cost = await offline({ event: file('dearer.json', dearer) });
    const price = await offline({ prices: file('dearer.yaml', prices) });
    const other = await offline({ event: kept(`${early}.json`) });
    const cut = await offline({ proof: file('cut.tlog-proof', read(`${id}.tlog-proof`).slice(0, 200)) });

    expect([sound.code, sound.stdout.endsWith('Verified.\n')]).toEqual([0, true]);
    expect(cost.code).toBe(1);
    expect(cost.stdout).toMatch(
      new RegExp(`WRONG +cost +receipt ${id}: costPicoUsd is 9.*[^]*NOT verified: rcpt_${id}`),
    );
    expect(price.stdout).toMatch(/WRONG +price +attempts\[0\]\.priceHash .*input_uncached was 2000000, is 3000000/);
    expect(other.stdout).toMatch(/WRONG +inclusion/);
    expect([other.code, cut.code]).toEqual([1, 1]);
    expect(cut.stdout).toMatch(/WRONG +(proof|checkpoint)/);
  });

  it('compares with a checkpoint that was kept, and finds one that was never signed', async () => {
    const note = read(`${early}.tlog-proof`).split('\n\n').slice(1).join('\n\n');

    const grown = await product.cli('verify', id, '--against', file('kept-checkpoint', note));
    const forged = await product.cli('verify', id, '--against', file('forged', note.replace(/\n(\d+)\n/, '\n9$1\n')));

    expect(grown.stdout).toMatch(/ok +consistency +the log only grew between \d+ and \d+ entries/);
    expect([grown.code, forged.code]).toEqual([0, 1]);
    expect(forged.stdout).toMatch(/WRONG +consistency +kept checkpoint: the signature/);
  });

  it('demands the cosignatures of witnesses, also offline, and names those that are missing', async () => {
    const stranger = 'stranger.example+'.concat(witness.key.replace(/^[^+]+\+[0-9a-f]{8}\+/, '00000000+'));
    const size = await eventually(async () => {
      const proof = await product.request('GET', `/v1/receipts/${id}/proof`);
      return proof.text.includes(`— witness.example/w1 `) && proof.text;
    });
    // Rebuilt trees keep what nobody else could sign again.
    const rebuilt = await product.cli('replay', 'transparency');
    const served = await product.request('GET', '/transparency/receipts/0/cosigned');
    const keys = file('witnesses', `${witness.key}\n`);

    const here = await product.cli('verify', id, '--witness', witness.key, '--save', join(product.directory, 'kept'));
    const offline = (...words: string[]) =>
      product.cli(
        'verify',
        '--event',
        kept(`${id}.json`),
        '--proof',
        kept(`${id}.tlog-proof`),
        '--key',
        kept('transparency-key'),
        ...words,
      );
    const found = await offline('--witness', keys, '--witnesses-min', '1');
    const wrong = await offline('--witness', stranger);
    const forged = file(
      'forged.tlog-proof',
      size.replace(/(— witness\S* \S{20})./, (_, start: string) => `${start}_`),
    );
    const changed = await product.cli(
      'verify',
      '--event',
      kept(`${id}.json`),
      '--proof',
      forged,
      '--key',
      kept('transparency-key'),
      '--witness',
      witness.key,
    );

    expect([rebuilt.code, here.code, found.code, wrong.code, changed.code]).toEqual([0, 0, 0, 1, 1]);
    expect(here.stdout).toMatch(/ok +witness +witness\.example\/w1 saw \S+\/receipts\/0 with \d+ entries at 20\d\d-/);
    expect(wrong.stdout).toMatch(/WRONG +witness +the key says its id is 00000000/);
    expect(served.text).toMatch(/\n— witness\.example\/w1 \S+\n$/);
    expect((await offline('--witnesses-min', '1')).code).toBe(2);
  });

  it('says how it is used: 2 for what it cannot take, and help for every option', async () => {
    const help = await product.cli('verify', '--help');
    for (const words of [
      [],
      ['--event', 'x'],
      [id, '--event', 'x'],
      [id, early],
      ['--evidence', 'none'],
      ['--odd'],
      [id, '--format', 'xml'],
    ]) {
      expect((await product.cli('verify', ...words)).code, words.join(' ')).toBe(2);
    }
    expect(help.code).toBe(0);
    for (const option of VERIFY_OPTIONS) expect(help.stdout).toMatch(new RegExp(`\n  --${option} `));
    expect((await product.cli('verify', '01a20eb9-d63b-74c7-ae06-000000000000')).code).toBe(1);
  });
});

const GO = process.env['GO'] ?? 'go';
const go = spawnSync(GO, ['version']).status === 0;
describe.skipIf(!go && process.env['CI'] === undefined)(`docs/verify.md${go ? '' : ' (Go is not installed)'}`, () => {
  it('shows a program that knows a genuine receipt from a changed one', () => {
    const docs = readFileSync(new URL('../../../docs/verify.md', import.meta.url), 'utf8');
    const source = file('verify.go', /```go\n([^]*?)```/.exec(docs)?.[1] ?? '');
    const program = join(product.directory, 'verify-go');
    const built = spawnSync(GO, ['build', '-o', program, source], { encoding: 'utf8' });
    expect([built.status, built.stderr]).toEqual([0, '']);
    const check = (event: string, proof: string, key: string): number | null =>
      spawnSync(program, [event, proof, key]).status;
    const [event, proof, key] = [kept(`${id}.json`), kept(`${id}.tlog-proof`), kept('transparency-key')];
    const flipped = (path: string, place: number): string => {
      const bytes = readFileSync(path);
      bytes[place] = (bytes[place] as number) ^ 1;
      return file(`flipped-${place}`, bytes);
    };
    const otherKey = read('transparency-key').replace(/.{4}\n/, (end) =>
      end.startsWith('AAAA') ? 'BBBB\n' : 'AAAA\n',
    );

    expect(check(event, proof, key)).toBe(0);
    expect(check(kept(`${early}.json`), kept(`${early}.tlog-proof`), key)).toBe(0);
    for (const place of [0, 100, 500]) expect(check(flipped(event, place), proof, key), `event ${place}`).toBe(1);
    // Not a witness's line: whoever has no key of the witness passes those over.
    const ownSignature = Buffer.from(read(`${id}.tlog-proof`)).indexOf('\n— nextmodel') + 80;
    expect(check(event, flipped(proof, ownSignature), key)).toBe(1);
    expect(check(kept(`${early}.json`), proof, key)).toBe(1);
    expect(check(event, proof, file('other-key', otherKey))).toBe(1);
  });
});

describe('the dashboard', () => {
  it('is served with every module that it imports, as scripts, to anybody', async () => {
    const seen = new Map<string, string>();
    const wanted = ['/dashboard/dashboard.js'];
    for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
      const answer = await fetch(`${product.baseUrl}${path}`);
      const body = await answer.text();
      seen.set(path, `${answer.status} ${answer.headers.get('content-type') ?? ''}`);
      const from = new URL(path, product.baseUrl);
      for (const match of body.matchAll(/\b(?:from|import)\s*['"](\.[^'"]+)['"]/g)) {
        const { pathname } = new URL(match[1] as string, from);
        if (!seen.has(pathname)) wanted.push(pathname);
      }
    }
    const page = await fetch(`${product.baseUrl}/dashboard`);

    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('dashboard.js');
    expect(seen.size).toBeGreaterThan(20);
    expect(new Set(seen.values())).toEqual(new Set(['200 text/javascript; charset=utf-8']));
    expect((await fetch(`${product.baseUrl}/dashboard/modules/apps/gateway/src/main.js`)).status).toBe(404);
    expect((await fetch(`${product.baseUrl}/dashboard/..%2f..%2fpackage.json`)).status).toBe(404);
  });
});
