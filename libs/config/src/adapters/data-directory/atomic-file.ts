import { randomBytes } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const uniqueBeside = (path: string): string => `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a file with its whole text, or finds that there is one already: `false`. */
export async function createFile(path: string, text: string): Promise<boolean> {
  const draft = uniqueBeside(path);
  await writeSynced(draft, text);
  try {
    await link(draft, path);
    await syncFolder(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}
