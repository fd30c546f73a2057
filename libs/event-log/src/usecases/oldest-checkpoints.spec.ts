import { expect, it } from 'vitest';
import { createMemoryLog } from '../event-log.module.js';
import { oldestCheckpoints } from './oldest-checkpoints.js';

it('the slowest group of a topic decides, and one that never began holds everything', async () => {
  const { checkpoints } = createMemoryLog();
  await checkpoints.save('fast', 'a', 2, 9n);
  await checkpoints.save('slow', 'a', 2, 4n);
  await checkpoints.save('fast', 'b', 2, 7n);

  const groups = new Map([
    ['a', ['fast', 'slow']],
    ['b', ['fast', 'never began']],
    ['c', []],
  ]);

  expect(await oldestCheckpoints(checkpoints, groups, 2)).toEqual(
    new Map([
      ['a', 4n],
      ['b', 0n],
    ]),
  );
});
