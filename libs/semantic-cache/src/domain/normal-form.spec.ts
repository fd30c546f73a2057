import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalForm } from './normal-form.js';
import { isAboutText } from './text-operand.js';

describe('the normal form', () => {
  it.each([
    ['How do I reset my password?', 'how do i reset my password'],
    ['How do I reset my password?', '  How do I   reset my\u00a0password ?\n'],
    ['What’s the capital of France?', "what's the capital of France"],
    ["I'm looking for a five‑star hotel", "i'm looking for a five-star hotel."],
    ['Explain recursion.', 'explain recursion'],
    ['I lost my card', 'i lost my card'],
    ['If I need a visa, where do I apply', 'if i need a visa, where do i apply'],
  ])('is one for "%s" and "%s"', (a, b) => {
    expect(normalForm(a)).toBe(normalForm(b));
  });

  it.each([
    ['How do I reset my password?', 'how do I reset my Password?'],
    ['How do I reset my password?', 'HOW do I reset my password?'],
    ['How do I reset the password?', 'How do I reset password?'],
    ['Please explain recursion', 'Explain recursion'],
    ['Which colour is the sky', 'Which color is the sky'],
    ['How many days are two weeks', 'How many days are 2 weeks'],
    ["What's love", 'What is love'],
    ['Is it so so', 'Is it so'],
    ['He is tall.', 'He is tall?'],
    ['What is 5!', 'What is 5'],
    ['Wait...', 'Wait..'],
    ['Is a well–known', 'Is a well—known'],
    ['Is it 5–3', 'Is it 5-3'],
    ['I = V / R', 'i = V / R'],
    ['Turkey recipes', 'turkey recipes'],
  ])('differs for "%s" and "%s"', (a, b) => {
    expect(normalForm(a)).not.toBe(normalForm(b));
  });

  it('is its own normal form, unless an end mark stood behind another', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('How', 'i', 'I', 'do', ' ', 'x', "'m", '’', '?', '5') }),
        (text) => {
          const form = normalForm(text);
          expect(normalForm(form)).toBe(form);
        },
      ),
    );
  });
});

describe('a text about text', () => {
  it.each([
    'Translate to German: the cat',
    'translate:',
    "Is 'favour' right?",
    'What does “the” mean?',
    'Fix He is a honest man',
    'How do you say goodbye in Italian?',
    'Polish He is a honest man',
    'a,b\nc,d',
  ])('is "%s"', (text) => {
    expect(isAboutText(text)).toBe(true);
  });

  it.each([
    'How do I reset my password?',
    "What's the dogs' favourite food?",
    'Who counters the account of the country?',
    'Is the shop open at 10:30?',
    'What is polish?',
  ])('is not "%s"', (text) => {
    expect(isAboutText(text)).toBe(false);
  });
});
