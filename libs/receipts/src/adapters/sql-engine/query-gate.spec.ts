import { describe, expect, it } from 'vitest';
import { QueryGate } from './query-gate.js';

describe('the query gate', () => {
  it('runs a few at a time, lets a few wait and refuses the rest', async () => {
    const gate = new QueryGate(2, 1);
    const doors = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const order: number[] = [];
    const enter = (i: number): Promise<void> =>
      gate.run(async () => {
        order.push(i);
        await doors[i]?.promise;
      });

    const running = [enter(0), enter(1), enter(2)];
    await expect(enter(3)).rejects.toMatchObject({ code: 202 });
    expect(order).toEqual([0, 1]);
    doors[0]?.resolve();
    await running[0];
    await new Promise((resolve) => setImmediate(resolve));

    expect(order).toEqual([0, 1, 2]);
    doors[1]?.resolve();
    doors[2]?.resolve();
    await Promise.all(running);
    await gate.run(async () => void order.push(9));
    expect(order.at(-1)).toBe(9);
  });

  it('gives the place back when a query fails', async () => {
    const gate = new QueryGate(1, 0);

    await expect(gate.run(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');

    expect(await gate.run(async () => 'yes')).toBe('yes');
  });
});
