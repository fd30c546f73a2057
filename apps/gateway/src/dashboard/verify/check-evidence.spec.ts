import { webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { priceRecordText } from '#pricing/domain/price-record.js';
import { NODE_CRYPTO } from '#transparency/transparency.module.js';
import { ANSWER, logReceipt, makeReceipt, PRICE, REQUEST, SALTS } from '../../../test/verify/logged-receipt.js';
import { checkEvidence } from './check-evidence.js';
import { parseBundle, parseSalts, type Evidence } from './evidence.js';
import { verdictOf } from './verdict.js';
import { overWebCrypto, type Subtle } from './web-crypto.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const faults = (evidence: Evidence, id: string | null = null): string[] =>
  checkEvidence(evidence, id, NODE_CRYPTO)
    .findings.filter(({ state }) => state === 'wrong')
    .map(({ what, detail }) => `${what}: ${detail}`);
let sound: Evidence;
let receipt: Receipt;
beforeAll(async () => {
  receipt = makeReceipt();
  sound = {
    ...(await logReceipt(receipt)),
    prices: [priceRecordText(PRICE)],
    sql: { state: 'present', receipt },
    bodies: { ...SALTS, request: bytes(REQUEST), response: bytes(ANSWER) },
  };
});

type Change = (receipt: { -readonly [K in keyof Receipt]: Receipt[K] }) => void;
/** The same log with another event file. */
function withEvent(change: Change): Evidence {
  const copy = JSON.parse(JSON.stringify(receipt)) as Receipt;
  change(copy);
  return { ...sound, sql: null, event: bytes(JSON.stringify(copy)) };
}
/** A log into which a wrong receipt was sealed. */
async function sealed(change: Change): Promise<Evidence> {
  const copy = JSON.parse(JSON.stringify(receipt)) as Receipt;
  change(copy);
  return { ...(await logReceipt(copy)), bodies: null };
}
const attemptOf = (each: Receipt, n: number) =>
  each.attempts[n] as { -readonly [K in keyof Receipt['attempts'][0]]: Receipt['attempts'][0][K] };

describe('sound evidence', () => {
  it('may say which try of its client it was, as the official OpenAI client does each time, and its session', async () => {
    const retried = { ...receipt, clientRetryCount: 2, sessionId: 'chat-7' };
    const inSql = { state: 'present', receipt: retried } as const;

    const { findings } = checkEvidence({ ...(await logReceipt(retried)), sql: inSql, bodies: null }, null, NODE_CRYPTO);

    const told = findings.filter(({ what }) => what === 'fields' || what === 'sql');
    expect(told.map(({ what, state }) => `${what} ${state}`)).toEqual(['fields ok', 'sql ok']);
    expect(faults(await sealed((copy) => (copy.clientRetryCount = -1)))).toEqual([
      'fields: clientRetryCount is -1, but must be a whole number from 0',
    ]);
  });

  it('is found sound in every part, with node:crypto and with WebCrypto alike', async () => {
    const here = checkEvidence(sound, `rcpt_${receipt.receiptId}`, NODE_CRYPTO);
    const inBrowsers = await overWebCrypto(
      (crypto) => checkEvidence(sound, null, crypto),
      webcrypto.subtle as unknown as Subtle,
    );

    expect(here.findings.map(({ what, state }) => `${what} ${state}`)).toEqual([
      'checkpoint ok',
      'inclusion ok',
      'receipt ok',
      'fields ok',
      'sums ok',
      'cost ok',
      'price ok',
      'sql ok',
      'body ok',
      'body ok',
    ]);
    expect(inBrowsers).toEqual(here);
    expect(verdictOf(here.findings, here.receiptId)).toMatchObject({ verified: true, advice: '' });
  });

  it('says that a key which came with it has to be compared', () => {
    const [first] = checkEvidence({ ...sound, keysFrom: 'bundle' }, null, NODE_CRYPTO).findings;

    expect(first).toMatchObject({ what: 'key', state: 'unknown' });
    expect(first?.detail).toMatch(/test\.example\/receipts\/0 [0-9a-f]{64}\)$/);
  });
});

describe('damage', () => {
  it('is found for a flipped bit anywhere in the event, the proof and the key', () => {
    const files = { event: sound.event, proof: bytes(sound.proof), keys: bytes(sound.keys) };
    for (const name of ['event', 'proof', 'keys'] as const) {
      fc.assert(
        fc.property(fc.nat(files[name].length * 8 - 1), (bit) => {
          const changed = files[name].slice();
          changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
          const text = new TextDecoder().decode(changed);
          return faults({ ...sound, sql: null, [name]: name === 'event' ? changed : text }).length > 0;
        }),
        { numRuns: 400 },
      );
    }
  });

  it('is found the same way by WebCrypto', async () => {
    const damages: Evidence[] = [0, 40, 333, sound.event.length - 1].map((position) => {
      const event = sound.event.slice();
      event[position] = (event[position] as number) ^ 1;
      return { ...sound, event };
    });
    const otherKey = await logReceipt(receipt, 40, 6);
    const place = sound.proof.length - 20;
    const forged = `${sound.proof.slice(0, place)}${sound.proof[place] === 'A' ? 'B' : 'A'}${sound.proof.slice(place + 1)}`;
    damages.push({ ...sound, proof: forged }, { ...sound, keys: otherKey.keys });
    for (const damaged of damages) {
      const found = await overWebCrypto(
        (crypto) => checkEvidence(damaged, null, crypto),
        webcrypto.subtle as unknown as Subtle,
      );

      expect(found).toEqual(checkEvidence(damaged, null, NODE_CRYPTO));
      expect(verdictOf(found.findings, null).verified).toBe(false);
    }
  });

  it('is found when a file was cut anywhere', () => {
    for (let length = 0; length < sound.proof.length; length += 7) {
      expect(faults({ ...sound, proof: sound.proof.slice(0, length) }), `proof of ${length}`).not.toEqual([]);
    }
    for (let length = 0; length < sound.event.length; length += 61) {
      expect(faults({ ...sound, event: sound.event.slice(0, length) }), `event of ${length}`).not.toEqual([]);
    }
  });

  it('is named for another log, another key and another receipt', async () => {
    const otherLog = await logReceipt(receipt, 40, 5, 'other.example');
    const otherKey = await logReceipt(receipt, 40, 6);

    expect(faults({ ...sound, proof: otherLog.proof })[0]).toMatch(/^log: the proof is for the log other\.example/);
    expect(faults({ ...sound, keys: otherKey.keys })[0]).toMatch(/^checkpoint: signed by .*, not by the given key/);
    expect(faults(sound, 'rcpt_019b76da-a800-7c3e-9f10-000000000000')).toEqual([
      expect.stringMatching(/^receipt: the event is of rcpt_019b76da-a800-7c3e-9f10-3b2a1c4d5e6f, not of/),
    ]);
  });

  it.each<[string, RegExp, Change]>([
    [
      'a total',
      /cost: .*costPicoUsd is 1, but the sum of the attempts makes 45000000/,
      (each) => (each.costPicoUsd = '1'),
    ],
    [
      'a removed attempt',
      /sums: .*attempts\[0\]\.n is 2, but must be 1: an attempt is missing/,
      (each) => (each.attempts = each.attempts.slice(1)),
    ],
    [
      'an amount',
      /cost: .*attempts\[1\]\.lines\[0\]\.amountPico is 7/,
      (each) =>
        (attemptOf(each, 1).lines = [{ ...each.attempts[1]!.lines[0]!, amountPico: '7' }, each.attempts[1]!.lines[1]!]),
    ],
    [
      'a cost status',
      /sums: .*costStatus is "free", but its attempts make "exact"/,
      (each) => (each.costStatus = 'free'),
    ],
    ['a meter', /sums: .*meters is .*but its attempts make/, (each) => (each.meters = { input_uncached: 99 })],
    [
      'the model that served',
      /sums: .*servedModel is "cheap", but its attempts make "large"/,
      (each) => (each.servedModel = 'cheap'),
    ],
    ['the waste', /sums: .*wastedPicoUsd is 5, but its attempts make 0/, (each) => (each.wastedPicoUsd = '5')],
    [
      'the time',
      /sums: .*acceptedAt is 2026-01-01T00:00:01\.000Z, but the time inside its id/,
      (each) => (each.acceptedAt = '2026-01-01T00:00:01.000Z'),
    ],
    ['a missing field', /fields: cache is null, but must be an object/, (each) => (each.cache = null as never)],
    [
      'a commitment',
      /fields: requestCommitment is "zz", but must be a SHA-256/,
      (each) => (each.requestCommitment = 'zz'),
    ],
    [
      'the rate of a line',
      /price: attempts\[1\]\.lines\[1\] charges 3 output_text × 1 = 3, but price .* makes 3 output_text × 10000000/,
      (each) =>
        (attemptOf(each, 1).lines = [
          each.attempts[1]!.lines[0]!,
          { ...each.attempts[1]!.lines[1]!, ratePico: '1', amountPico: '3' },
        ]),
    ],
  ])('in %s is named, in a file and when it was sealed so', async (_name, expected, change) => {
    const file = faults(withEvent(change));
    const inLog = faults({ ...(await sealed(change)), prices: sound.prices });

    expect(file[0]).toMatch(/^inclusion: /);
    expect(file.join('\n')).toMatch(expected);
    expect(inLog.join('\n')).toMatch(expected);
    expect(inLog.join('\n')).not.toContain('inclusion');
  });

  it('in a text that nothing depends on is found, and named where SQL still has it', () => {
    const changed = withEvent((each) => (each.requestedModel = 'largo'));

    expect(faults(changed)).toEqual([expect.stringMatching(/^inclusion/)]);
    expect(faults({ ...changed, sql: sound.sql })[1]).toMatch(/requestedModel is "largo" here, but "large" in SQL/);
  });

  it('in a price record is named with the rate', () => {
    const changed = priceRecordText({ ...PRICE, rates: { ...PRICE.rates, output_text: '1' } });

    expect(faults({ ...sound, prices: [changed] })).toEqual([
      expect.stringMatching(/^price: attempts\[1\]\.priceHash .*output_text was 10000000, is 1$/),
    ]);
    expect(faults({ ...sound, prices: ['{'] })).toEqual([
      'price: a price record cannot be read: it was changed or cut',
    ]);
  });

  it('in SQL is named by its field; a deleted row is missing', () => {
    const edited = { ...receipt, costPicoUsd: '1', attempts: [receipt.attempts[0]!] };

    const found = faults({ ...sound, sql: { state: 'present', receipt: edited } });

    expect(found[0]).toMatch(/costPicoUsd is "45000000" here, but "1" in SQL/);
    expect(found[1]).toMatch(/attempts\[1\] is \{.* here, but nothing in SQL/);
    expect(faults({ ...sound, sql: { state: 'missing', receipt: null } })[0]).toMatch(/SQL has no such row/);
  });

  it('is none where a field of the event has no column', () => {
    const told = bytes(JSON.stringify({ ...receipt, saltKeyId: 'acme/2.00' }));

    const found = faults({ ...sound, event: told });

    expect(found.filter((fault) => !fault.startsWith('inclusion'))).toEqual([]);
  });
});

const body = (request: string, response: string, salts = SALTS): string[] =>
  faults({ ...sound, bodies: { ...salts, request: bytes(request), response: bytes(response) } });

describe('bodies', () => {
  it('are the ones, also with the newline that editors add', () => {
    expect(body(`${REQUEST}\n`, `${ANSWER}\n`)).toEqual([]);
  });

  it('are not the ones when a byte or the salt differs', () => {
    expect(body(REQUEST.replace('2 + 2', '2 + 3'), ANSWER)).toEqual([
      expect.stringMatching(/^body: the request of \d+ bytes is not/),
    ]);
    expect(body(REQUEST, ANSWER.replace('"4"', '"5"'))).toEqual([
      expect.stringMatching(/^body: the response .* is not/),
    ]);
    expect(body(REQUEST, ANSWER, { ...SALTS, requestSalt: '0'.repeat(32) })).toHaveLength(1);
  });
});

describe('evidence in one file', () => {
  it('is refused with a reason, never with an exception', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{}',
      '{"object":"receipt.evidence","version":2}',
      '{"object":"receipt.evidence","version":1,"event":""}',
    ]) {
      expect(typeof parseBundle(text), text).toBe('string');
    }
    fc.assert(fc.property(fc.jsonValue(), (value) => parseBundle(JSON.stringify(value)) !== null));
    for (const text of ['', 'null', '{"request_salt":"zz"}', '{"request_salt":5}'])
      expect(typeof parseSalts(text)).toBe('string');
  });

  it('is never an exception when its event holds anything at all', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(receipt)), (value, field) => {
        const event = bytes(JSON.stringify({ ...receipt, [field]: value }));
        return checkEvidence({ ...sound, event }, null, NODE_CRYPTO).findings.length > 2;
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) =>
          checkEvidence({ ...sound, event: bytes(JSON.stringify(value)) }, null, NODE_CRYPTO).findings.length > 0,
      ),
    );
  });
});
