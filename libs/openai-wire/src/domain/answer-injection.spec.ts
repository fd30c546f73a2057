import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hideUsage, injectReceiptId, injectUsageCost } from './answer-injection.js';
import { usageChunk, usageJson, type UsageCost } from './usage-view.js';

const cost: UsageCost = {
  costPicoUsd: '2500000000',
  costStatus: 'exact',
  currency: 'USD',
  costNativePico: '2500000000',
  avoidedPicoUsd: null,
};
const details =
  '"cost_details":{"upstream_inference_cost":0.0025,"cost_status":"exact","currency":"USD","cost_native":0.0025,"avoided_cost":null}';
const id = '0195f1a0-0000-7000-8000-000000000001';

// No generated name may replace the block under test.
const plain = ([name]: readonly [string, unknown]): boolean => name !== 'usage' && name !== '__proto__';

describe('injectUsageCost', () => {
  it('adds cost to the usage object and keeps every other byte', () => {
    const body = '{\n  "id": "c",  "choices": [ {"x":1.0e0} ],\n  "usage": {\n "prompt_tokens": 1 }\n}\n';

    const text = injectUsageCost(body, cost);

    expect(text).toBe(body.replace('"usage": {', `"usage": {"cost":0.0025,${details},`));
  });

  it('is not deceived by text, nesting or escapes', () => {
    const tricky = JSON.stringify({ choices: [{ message: { content: '"usage":{"a":1} \\" {' }, usage: { no: 1 } }] });
    const body = `${tricky.slice(0, -1)},"usage":{}}`;

    const text = injectUsageCost(body, cost);

    expect(text).toBe(`${tricky.slice(0, -1)},"usage":{"cost":0.0025,${details}}}`);
  });

  it('replaces a cost of the provider in place', () => {
    const body = '{"usage":{"prompt_tokens":1,"cost":0.9,"cost_details":{"upstream_inference_cost":null}}}';

    expect(injectUsageCost(body, cost)).toBe(`{"usage":{"prompt_tokens":1,"cost":0.0025,${details}}}`);
  });

  it('shows an unpriced cost as null', () => {
    const text = injectUsageCost('{"usage":{"a":1}}', {
      ...cost,
      costPicoUsd: null,
      costNativePico: null,
      costStatus: 'unpriced',
    });

    expect(JSON.parse(text)).toMatchObject({ usage: { a: 1, cost: null, cost_details: { cost_status: 'unpriced' } } });
  });

  it.each(['{"usage":null}', '{"a":1}', '{}', '', '[]', 'null', '<html>', '{"usage":'])('leaves %s alone', (text) => {
    expect(injectUsageCost(text, cost)).toBe(text);
  });

  it('parses when a name is written with escapes', () => {
    const text = injectUsageCost('{"us\\u0061ge":{"a":1}}', cost);

    expect(JSON.parse(text)).toMatchObject({ usage: { a: 1, cost: 0.0025 } });
  });

  it('keeps all other bytes of any body, and adds nothing else', () => {
    const usage = fc.dictionary(
      fc.string().filter((key) => !key.startsWith('cost')),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 4 },
    );
    const member = fc.tuple(fc.oneof(fc.string(), fc.constantFrom('usage2', 'choices')), fc.jsonValue());
    const indents = fc.constantFrom(undefined, 0, 2, '\t');

    fc.assert(
      fc.property(fc.array(member), usage, fc.array(member), indents, (before, block, after, indent) => {
        const body = Object.fromEntries([...before.filter(plain), ['usage', block], ...after.filter(plain)]);
        const text = JSON.stringify(body, null, indent);

        const changed = injectUsageCost(text, cost);

        const added = `"cost":0.0025,${details}`;
        const at = changed.indexOf(added);
        const comma = changed[at + added.length] === ',' ? 1 : 0;
        const escaped = Object.keys(body).some((name) => JSON.stringify(name).includes('\\'));
        const inner = Object.keys(block).some((name) => JSON.stringify(name).includes('\\'));
        if (!escaped && !inner) expect(changed.slice(0, at) + changed.slice(at + added.length + comma)).toBe(text);
        expect(JSON.parse(changed)).toEqual({
          ...(JSON.parse(text) as object),
          usage: { ...(JSON.parse(JSON.stringify(block)) as object), ...(JSON.parse(`{${added}}`) as object) },
        });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('injectReceiptId', () => {
  it('stands as a top-level member, all other bytes kept', () => {
    expect(injectReceiptId('{"id":"c", "choices":[]}', id)).toBe(
      `{"nextmodel":{"receipt_id":"rcpt_${id}"},"id":"c", "choices":[]}`,
    );
    expect(injectReceiptId(' { } ', `rcpt_${id}`)).toBe(` {"nextmodel":{"receipt_id":"rcpt_${id}"} } `);
  });

  it('replaces the id of a router behind this one', () => {
    const text = injectReceiptId('{"id":"c","nextmodel":{"receipt_id":"rcpt_other"}}', id);

    expect(text).toBe(`{"id":"c","nextmodel":{"receipt_id":"rcpt_${id}"}}`);
  });

  it('is not deceived by the name in a text', () => {
    const data = '{"choices":[{"delta":{"content":"nextmodel \\"nextmodel\\":1"}}]}';

    expect(JSON.parse(injectReceiptId(data, id))).toEqual({
      ...JSON.parse(data),
      nextmodel: { receipt_id: `rcpt_${id}` },
    });
  });

  it.each(['[DONE]', '', '[]'])('leaves %s alone', (text) => {
    expect(injectReceiptId(text, id)).toBe(text);
  });
});

describe('hideUsage', () => {
  it('nulls a usage object beside content and nothing else', () => {
    const choices = '[{"delta":{"content":"\\"usage\\":{\\"a\\":1}"}}]';

    expect(hideUsage(`{"usage": {"a":1} ,"choices":${choices}}`)).toBe(`{"usage": null ,"choices":${choices}}`);
    for (const data of [`{"choices":${choices}}`, '{"usage":null}', '{"usage":5}', '{"x":{"usage":{}}}', '[]']) {
      expect(hideUsage(data)).toBe(data);
    }
  });
});

describe('usageJson', () => {
  it('shows the cost with exactly its digits', () => {
    const text = usageJson({ input_uncached: 1, output_text: 2 }, { ...cost, costPicoUsd: '100000' });

    expect(text).toContain('"cost":0.0000001,');
    expect(JSON.parse(text)).toMatchObject({ prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 });
  });

  it('makes a usage chunk of a stream that had none', () => {
    const chunk: unknown = JSON.parse(usageChunk({ id: 'c', model: 'm', created: 1 }, { input_uncached: 1 }, cost));

    expect(chunk).toMatchObject({ id: 'c', object: 'chat.completion.chunk', choices: [], usage: { cost: 0.0025 } });
  });
});
