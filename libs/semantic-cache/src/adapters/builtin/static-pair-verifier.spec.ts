import { beforeAll, describe, expect, it } from 'vitest';
import type { PairVerifier } from '../../ports/pair-verifier.js';
import { loadPairVerifier } from './load-pair-verifier.js';

let verifier: PairVerifier;
beforeAll(async () => {
  verifier = await loadPairVerifier();
});

describe('the pair verifier', () => {
  it.each([
    ['How do I cancel my subscription', 'how do i cancel my subscripton', 'typo'],
    ['How do I cancel my subscription', 'hi, how do I cancel my subscription please', 'canonical'],
    ['How do I reset my password?', 'How can I reset my password?', 'score'],
  ])('lets "%s" serve "%s" by %s', (stored, asked, reason) => {
    expect(verifier.judge(asked, stored, 0.01)).toMatchObject({ serve: true, reason });
  });

  it.each([
    ['Is folder safe to use?', 'Is foldr safe to use?', 'veto:name'],
    ['Tell me the history of Nokia', 'Tell me the history of Nokja', 'veto:name'],
    ['How do you say hello in French?', 'How do you say thanks in French?', 'veto:marks'],
    ['What is 7 * 6?', 'What is 7 / 6?', 'veto:marks'],
    ['How many miles is 10 km?', 'How many miles is 12 km?', 'veto:number'],
    ['Fly from Rome to Paris', 'Fly from Paris to Rome', 'veto:direction'],
    ['Book a table for Monday lunch', 'Book a table for Monday dinner', 'veto:sibling'],
    ['Is Rachel loyal to Christian?', 'Is Christian loyal to Rachel?', 'veto:order'],
    ['convert celsius to kelvin', 'convert kelvin to celsius', 'veto:order'],
    ['Would her family be happy?', 'Would his family be happy?', 'veto:antonym'],
    [
      'If Tyler married, would her family be happy?',
      "If Tyler married, would Tyler's family be happy?",
      'veto:pronoun',
    ],
    ['Did he used to smoke', 'Did he smoke', 'veto:role'],
    ['What happens tomorrow in Rome', 'What happens next Tuesday in Rome', 'veto:time'],
    ['Who wrote the novel?', 'When was the novel written?', 'veto:question_word'],
    ['Summarize the plot as JSON', 'Summarize the plot as YAML', 'veto:format'],
  ])('does not let "%s" serve "%s": %s', (stored, asked, reason) => {
    expect(verifier.judge(asked, stored, 0.01)).toMatchObject({ serve: false, reason });
  });

  it('serves nothing by score when no error is tolerated', () => {
    const verdict = verifier.judge('How can I reset my password?', 'How do I reset my password?', 0);

    expect(verdict).toMatchObject({ serve: false, reason: 'score_below' });
    expect(verdict.score).toBeGreaterThan(15);
  });

  it('judges any text, also of words that objects have', () => {
    for (const text of ['', ' ', '?', 'constructor __proto__', '\u0000', '🙂🙂', 'a'.repeat(3_000), '\ud800']) {
      expect(verifier.judge(text, 'constructor', 0.01).reason).toBeTypeOf('string');
    }
  });
});
