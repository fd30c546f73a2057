import { describe, expect, it } from 'vitest';
import { valueForSchema } from './schema-value.js';

const weather = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    unit: { enum: ['celsius', 'fahrenheit'] },
    days: { type: 'integer', minimum: 1 },
  },
  required: ['city'],
};

describe('valueForSchema', () => {
  it('takes names and enum members out of the prompt', () => {
    const value = valueForSchema(weather, 'What is the weather in Paris in fahrenheit');

    expect(value).toEqual({ city: 'Paris', unit: 'fahrenheit', days: 1 });
  });

  it('keeps bounds, formats, constants and nulls', () => {
    const schema = {
      properties: {
        id: { type: 'string', format: 'uuid' },
        short: { type: 'string', maxLength: 2 },
        long: { type: 'string', minLength: 12 },
        many: { type: 'array', minItems: 2, items: { type: 'number', exclusiveMinimum: 0, maximum: 1 } },
        five: { type: 'integer', multipleOf: 5, minimum: 7 },
        fixed: { const: 'x' },
        maybe: { anyOf: [{ type: 'null' }, { type: 'boolean' }] },
        list: { type: ['array', 'null'], items: { type: 'string' }, maxItems: 1 },
      },
    };

    expect(valueForSchema(schema, 'Oslo')).toEqual({
      id: '00000000-0000-4000-8000-000000000001',
      short: 'Os',
      long: 'Oslo--------',
      many: [0.5, 0.5],
      five: 10,
      fixed: 'x',
      maybe: true,
      list: ['Oslo'],
    });
  });

  it('follows references, joins allOf, and comes to an end in a schema that contains itself', () => {
    const tree = {
      $defs: {
        node: {
          type: 'object',
          properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
          required: ['name', 'children'],
        },
        named: { properties: { name: { type: 'string' } }, required: ['name'] },
      },
      allOf: [{ $ref: '#/$defs/named' }, { properties: { root: { $ref: '#/$defs/node' } }, required: ['root'] }],
    };

    const value = valueForSchema(tree, 'Rome') as { name: string; root: { name: string; children: unknown[] } };

    expect(value.name).toBe('Rome');
    expect(value.root.children).toHaveLength(1);
    expect(JSON.stringify(value).length).toBeLessThan(2000);
  });

  it('gives something for no schema at all', () => {
    expect(valueForSchema(undefined, 'x')).toBeNull();
    expect(valueForSchema({ type: 'object' }, 'x')).toEqual({});
  });
});
