import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataDirectoryOwner, openDataDirectory, readSecrets } from './data-directory.js';

const folder = (): string => join(mkdtempSync(join(tmpdir(), 'nextmodel-data-')), 'data');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('data directory', () => {
  it('makes folders and secrets at first start and finds the same secrets again', async () => {
    const path = folder();

    const first = await openDataDirectory(path);
    await first.close();
    const second = await openDataDirectory(path);
    await second.close();

    expect(first.secrets.apiKey).toMatchObject({ madeNow: true });
    expect(first.secrets.apiKey.value).toMatch(/^nm_[0-9a-f]{12}_[0-9a-f]{64}$/);
    expect(second.secrets.masterKey).toEqual({ value: first.secrets.masterKey.value, madeNow: false });
    expect(modeOf(join(path, 'secrets'))).toBe(0o700);
    expect(modeOf(join(path, 'secrets', 'master-key'))).toBe(0o600);
    expect(await readSecrets(path)).toMatchObject({ adminToken: first.secrets.adminToken.value });
  });

  it('prefers given secrets and does not write them', async () => {
    const path = folder();

    const directory = await openDataDirectory(path, { apiKey: 'given-key', adminToken: null });
    await directory.close();

    expect(directory.secrets.apiKey).toEqual({ value: 'given-key', madeNow: false });
    expect((await readSecrets(path)).apiKey).toBeNull();
  });

  it('refuses a directory whose owner lives, naming its pid', async () => {
    const path = folder();
    const directory = await openDataDirectory(path);

    const second = openDataDirectory(path);

    await expect(second).rejects.toMatchObject({ code: 'data_directory_owned' });
    await expect(second).rejects.toThrow(String(process.pid));
    expect(await dataDirectoryOwner(path)).toBe(process.pid);
    await directory.close();
    expect(await dataDirectoryOwner(path)).toBeNull();
  });

  it('takes over from a process that was killed', async () => {
    const path = folder();
    await (await openDataDirectory(path)).close();
    const hold = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(process.argv[1]);
      database.exec('BEGIN EXCLUSIVE');
      console.log('held');
      setInterval(() => database, 1000);`;
    const child = spawn(process.execPath, ['-e', hold, join(path, 'owner')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    writeFileSync(join(path, 'owner.pid'), `${child.pid}\n`);

    const refused = await openDataDirectory(path).catch((error: unknown) => error);
    const owner = await dataDirectoryOwner(path);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const ownerAfterwards = await dataDirectoryOwner(path);
    const directory = await openDataDirectory(path);

    expect(refused).toMatchObject({ code: 'data_directory_owned' });
    expect(owner).toBe(child.pid);
    expect(ownerAfterwards).toBeNull();
    expect(await dataDirectoryOwner(path)).toBe(process.pid);
    await directory.close();
  });

  it('lets exactly one of many in', async () => {
    const path = folder();

    for (let round = 0; round < 3; round += 1) {
      const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openDataDirectory(path)));

      const winners = opened.filter((result) => result.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      await winners[0]?.value.close();
    }
  });
});
