import { describe, expect, it } from 'vitest';
import { canonicalText } from './canonical-form.js';
import { significantMarks } from './significant-marks.js';

const broadForm = (text: string): string => `${canonicalText(text)}\n${significantMarks(text)}`;

describe('the canonical form with its marks', () => {
  it.each([
    ['How do I reset my password?', 'how do i reset my password'],
    ["What's the capital of France?", 'what is capital of France'],
    ['Hi there, how do I cancel my order? Thanks!', 'How do I cancel my order'],
    ['Could you please explain recursion to me?', 'could you explain recursion to me?'],
    ['Which colour is the sky', 'which color is the sky?'],
    ['HOW DO I GET TO THE US EMBASSY', 'how do i get to the us embassy'],
    ['How much is 1,000 dollars', 'how much is 1000 dollars'],
    ['Find me a five-star hotel', 'find me a 5-star hotel'],
  ])('is one for "%s" and "%s"', (a, b) => {
    expect(broadForm(a)).toBe(broadForm(b));
  });

  it.each([
    ['What is 12 * 3?', 'What is 12 / 3?'],
    ['What is 12 - 3?', 'What is 12 3?'],
    ['What is -5 times 3?', 'What is 5 times 3?'],
    ['How do you say hello in French?', 'How do you say thanks in French?'],
    ['How do you say please in French?', 'How do you say in French?'],
    ['How is hepatitis a treated?', 'How is hepatitis treated?'],
    ['What does vitamin A do for you?', 'What does vitamin do for you?'],
    ['Tell me how IT departments work', 'Tell me how it departments work'],
    ['What is the midpoint of 1,2 and 3,4?', 'What is the midpoint of 12 and 34?'],
    ['What is .5 of 10?', 'What is 5 of 10?'],
    ['Tell me about .net', 'Tell me about net'],
    ['Is x < y a valid bound', 'Is x > y a valid bound'],
    ['Compute 2*(3+4)', 'Compute 2*3+4'],
    ['What is 5-x at 2?', 'What is 5x at 2?'],
    ['Explain my_var', 'Explain my var'],
  ])('differs for "%s" and "%s"', (a, b) => {
    expect(broadForm(a)).not.toBe(broadForm(b));
  });
});
