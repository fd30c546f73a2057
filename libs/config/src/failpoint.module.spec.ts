import { afterEach, describe, expect, it } from 'vitest';
import { arm, FAILPOINTS, pass } from '#events/ports/failpoint.js';
import { armFailpoint, failpointVariables, readFailpoint } from './failpoint.module.js';

afterEach(() => arm(null));

describe('a failpoint', () => {
  it('kills at the n-th passage of its own point and at no other', () => {
    let deaths = 0;
    armFailpoint({ FAILPOINT: 'log_synced:3' }, () => (deaths += 1));

    const seen = (['log_synced', 'log_written', 'log_synced', 'log_written', 'log_synced', 'log_synced'] as const).map(
      (point) => {
        pass(point);
        return deaths;
      },
    );

    expect(seen).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it.each([undefined, '', 'nowhere:1', 'log_synced:0', 'log_synced:x', 'log_synced:1.5'])('is inert for %j', (text) => {
    armFailpoint({ FAILPOINT: text }, () => expect.unreachable());

    for (const point of FAILPOINTS) pass(point);

    expect(readFailpoint({ FAILPOINT: text })).toBeNull();
    expect(failpointVariables({ FAILPOINT: text })).toEqual({});
  });

  it('is handed on to children as it was given', () => {
    expect(failpointVariables({ FAILPOINT: 'table_inserted:2', SECRET: 'x' })).toEqual({
      FAILPOINT: 'table_inserted:2',
    });
  });
});
