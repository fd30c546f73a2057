import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
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

  it('takes over from a dead process and from a reused pid', async () => {
    const path = folder();
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await (await openDataDirectory(path)).close();
    const lock = join(path, 'owner.pid');

    writeFileSync(lock, JSON.stringify({ pid: child.pid, host: hostname(), startTicks: '1' }));
    await (await openDataDirectory(path)).close();
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname(), startTicks: '1' }));
    await (await openDataDirectory(path)).close();
    writeFileSync(lock, 'torn');
    const last = await openDataDirectory(path);

    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid });
    await last.close();
  });

  it('lets exactly one of many take over', async () => {
    const path = folder();
    await (await openDataDirectory(path)).close();
    writeFileSync(join(path, 'owner.pid'), 'torn');

    const opened = await Promise.allSettled(Array.from({ length: 8 }, () => openDataDirectory(path)));

    const winners = opened.filter((result) => result.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    await winners[0]?.value.close();
  });
});
