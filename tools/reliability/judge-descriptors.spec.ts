import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeDescriptors } from './judge-descriptors.js';
import { processTree } from './process-tree.js';

const usage = (role: string, descriptors: number, segments: number) => ({ role, descriptors, segments });
const before = [usage('gateway', 60, 2), usage('ingester', 30, 1), usage('sql', 100, 0)];

describe('descriptors at the end of a soak', () => {
  it('may be those of as many segments as a reader keeps, and of a few connections', () => {
    const during = [usage('ingester', 39, 8)];
    const after = [usage('gateway', 70, 9), usage('ingester', 38, 8), usage('sql', 400, 0)];

    const judged = judgeDescriptors(before, during, after);

    expect(judged.problems).toEqual([]);
    expect(judged.byRole['ingester']).toEqual({ before: 29, after: 30, segmentsMost: 8 });
  });

  it.each([
    ['connections', [usage('gateway', 66, 2)], [], 'gateway has 6 more descriptors open than at the beginning'],
    ['a segment for each read', [usage('ingester', 38, 9)], [], 'ingester had 9 segments open, 8 are allowed'],
    [
      'segments that were closed in the end',
      [usage('ingester', 30, 1)],
      [usage('ingester', 40, 11)],
      'ingester had 11 segments open, 8 are allowed',
    ],
    ['files of a process that reads no log', [usage('supervisor', 9, 1)], [], 'supervisor'],
  ])('may not be %s', (_leak, after, during, problem) => {
    const { problems } = judgeDescriptors([...before, usage('supervisor', 9, 0)], during, after);

    expect(problems.join('\n')).toContain(problem);
  });
});

describe.skipIf(process.platform !== 'linux')('the processes of a product on Linux', () => {
  it('are told with their segments, deleted ones too, apart from other files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'descriptors-'));
    const names = ['000000000001.log', '000000000002.log', 'other.txt'];
    const [own] = processTree(process.pid);

    for (const name of names) writeFileSync(join(directory, name), '');
    const opened = names.map((name) => openSync(join(directory, name), 'r'));
    rmSync(join(directory, '000000000001.log'));
    const [holding] = processTree(process.pid);
    for (const descriptor of opened) closeSync(descriptor);
    rmSync(directory, { recursive: true });

    expect((holding?.segments ?? 0) - (own?.segments ?? 0)).toBe(2);
    expect(processTree(process.pid)[0]?.segments).toBe(own?.segments);
  });
});
