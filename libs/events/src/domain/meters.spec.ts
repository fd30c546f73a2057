import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMeters, inputTokens, METERS, outputTokens, type Meters } from './meters.js';

const meters: fc.Arbitrary<Meters> = fc.dictionary(fc.constantFrom(...METERS), fc.nat({ max: 1_000_000 }), {
  noNullPrototype: true,
});
const total = (each: Meters): number => METERS.reduce((sum, name) => sum + (each[name] ?? 0), 0);

describe('meters', () => {
  it('are disjoint: every token meter counts as input or as output, and once', () => {
    fc.assert(
      fc.property(meters, (each) => {
        const others = (each.web_search ?? 0) + (each.request ?? 0);

        expect(inputTokens(each) + outputTokens(each) + others).toBe(total(each));
      }),
    );
  });

  it('add up whatever the order, and leave their parts as they were', () => {
    fc.assert(
      fc.property(meters, meters, (a, b) => {
        const before = JSON.stringify([a, b]);

        const sum = addMeters(a, b);

        expect(total(sum)).toBe(total(a) + total(b));
        expect(addMeters(b, a)).toEqual(sum);
        expect(JSON.stringify([a, b])).toBe(before);
      }),
    );
  });

  it('stay as they are when nothing is added', () => {
    fc.assert(
      fc.property(meters, (each) => {
        expect(addMeters(each, {})).toEqual(each);
      }),
    );
  });
});
