import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowsName, matchName } from './name-pattern.js';

describe('matchName', () => {
  it.each([
    ['gpt-5', 'gpt-5', ''],
    ['gpt-5', 'gpt-5-mini', null],
    ['gpt-3.5*', 'gpt-3.5-turbo', '-turbo'],
    ['gpt-3.5*', 'gpt-3x5-turbo', null],
    ['local/*', 'local/llama/3', 'llama/3'],
    ['*', 'anything', 'anything'],
    ['*-mini', 'gpt-5-mini', 'gpt-5'],
    ['a*b*c', 'a1b2b3c', '1'],
    ['a*a', 'a', null],
    ['*b*', 'aaa', null],
  ])('of %s and %s gives %j', (pattern, name, captured) => {
    expect(matchName(pattern, name)).toBe(captured);
  });

  it('agrees with a regular expression of the same meaning', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 });
    fc.assert(
      fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }), (pattern, name) => {
        const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);

        expect(matchName(pattern, name) !== null).toBe(expression.test(name));
      }),
    );
  });

  it('allows everything when a key has no patterns', () => {
    expect(allowsName([], 'anything')).toBe(true);
    expect(allowsName(['small', 'a/*'], 'a/x')).toBe(true);
    expect(allowsName(['small', 'a/*'], 'large')).toBe(false);
  });
});
