#!/usr/bin/env node
// Runs the built command line on a Node that can: the one that came with the packages when the system's is too old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'dist/apps/cli/src/main.js');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const newEnough = major > 24 || (major === 24 && minor >= 0) || (major === 22 && minor >= 22);

if (!existsSync(entry)) {
  console.error('nextmodel is not built yet. Run `npm run build` (or `npm ci`, which does it).');
  process.exit(78);
}
if (newEnough && typeof (await import('node:crypto')).randomUUIDv7 === 'function') {
  await import(pathToFileURL(entry).href);
} else {
  const node = packagedNode();
  if (node === null) {
    console.error(
      `nextmodel needs Node 24.15 or newer; this is ${process.version}, and no packaged Node was installed.`,
    );
    process.exit(69);
  }
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 143 : 1)));
}

function packagedNode() {
  const require = createRequire(import.meta.url);
  for (const name of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    `node-win-${process.arch}`,
  ]) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (existsSync(file)) return file;
    } catch {
      // Another platform's package.
    }
  }
  return null;
}
