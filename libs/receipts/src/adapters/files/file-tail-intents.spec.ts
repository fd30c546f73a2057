import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileTailIntents } from './file-tail-intents.js';

describe('tail intents in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'intents-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('come back after a restart, each partition its own', async () => {
    const intent = { partition: 3, firstOffset: 12_345_678_901_234_567_890n, lastOffset: 12_345_678_901_234_567_899n };
    await new FileTailIntents(folder).save({ ...intent, lastOffset: intent.firstOffset });
    await new FileTailIntents(folder).save(intent);

    expect(await new FileTailIntents(folder).load(3)).toEqual(intent);
    expect(await new FileTailIntents(folder).load(4)).toBeNull();
  });

  it('count as none when the file is torn', async () => {
    writeFileSync(join(folder, 'receipts-5.intent'), '12-');

    expect(await new FileTailIntents(folder).load(5)).toBeNull();
  });
});
