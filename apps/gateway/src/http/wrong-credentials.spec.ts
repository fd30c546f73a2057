import { expect, it } from 'vitest';
import { WrongCredentials } from './wrong-credentials.js';

it('asks to wait from the eleventh wrong credential of a minute on, until that minute is over', () => {
  let nowMs = 7;
  const wrong = new WrongCredentials(() => nowMs);

  const first = Array.from({ length: 10 }, () => wrong.add());
  nowMs = 20_007;
  const eleventh = wrong.add();
  nowMs = 60_007;
  const afterwards = wrong.add();

  expect(first).toEqual(Array.from({ length: 10 }, () => 0));
  expect(eleventh).toBe(40_000);
  expect(afterwards).toBe(0);
});
