import { expect, it } from 'vitest';
import { AdminLockout } from './admin-lockout.js';

it('locks an address, and no other, from its tenth failure until its minute ends', () => {
  let nowMs = 5;
  const lockout = new AdminLockout(() => nowMs);
  for (let n = 0; n < 9; n += 1) lockout.failed('127.0.0.1');
  expect(lockout.waitMs('127.0.0.1')).toBe(0);
  nowMs = 20_005;
  lockout.failed('127.0.0.1');
  expect(lockout.waitMs('127.0.0.1')).toBe(40_000);
  expect(lockout.waitMs('127.0.0.2')).toBe(0);
  nowMs = 60_005;
  expect(lockout.waitMs('127.0.0.1')).toBe(0);
  lockout.failed('127.0.0.1');
  expect(lockout.waitMs('127.0.0.1')).toBe(0);
});

it('forgets the address that began first when its memory is full', () => {
  const lockout = new AdminLockout(() => 0);
  for (let n = 0; n < 10; n += 1) lockout.failed('first');
  for (let n = 0; n < 4_095; n += 1) lockout.failed(`other-${n}`);
  expect(lockout.waitMs('first')).toBe(60_000);
  lockout.failed('one more');
  expect(lockout.waitMs('first')).toBe(0);
});
