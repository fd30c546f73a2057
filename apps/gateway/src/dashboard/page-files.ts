import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, posix } from 'node:path';

export interface PageFile {
  readonly body: string;
  readonly type: string;
  readonly etag: string;
}

/** Reads a compiled module by its path from the root of the build: `libs/events/src/domain/money.js`. */
export type ReadModule = (path: string) => Promise<string>;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const MODULES = 'modules/';
const IMPORTED = /(?<=\b(?:from|import)\s*)'([^']+\.js)'/g;
const BUILD_ROOT = new URL('../../../../', import.meta.url);

const readBuilt: ReadModule = (path) => readFile(new URL(path, BUILD_ROOT), 'utf8');

/**
 * The files of the page by their path under `/dashboard/`: its own, and below `modules/` the very modules that the
 * command line verifies with, as many as the page imports and no others. Names like `#events/…` become relative ones,
 * which browsers understand.
 */
export async function loadPageFiles(readModule: ReadModule = readBuilt): Promise<ReadonlyMap<string, PageFile>> {
  const folder = dirname(createRequire(import.meta.url).resolve('#assets/dashboard/index.html'));
  const files = new Map<string, PageFile>();
  const wanted: string[] = [];
  for (const name of await readdir(folder)) {
    const body = await readFile(`${folder}/${name}`, 'utf8');
    files.set(name, toPageFile(name, body));
    if (name.endsWith('.js')) wanted.push(...importsOf(name, body));
  }
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (files.has(path) || !path.startsWith(MODULES)) continue;
    const text = await readModule(path.slice(MODULES.length));
    const body = withRelativeImports(path, text.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
    files.set(path, toPageFile(path, body));
    wanted.push(...importsOf(path, body));
  }
  return files;
}

function importsOf(path: string, body: string): readonly string[] {
  return [...body.matchAll(IMPORTED)].map((match) => posix.join(posix.dirname(path), match[1] as string));
}

function withRelativeImports(path: string, body: string): string {
  return body.replaceAll(IMPORTED, (whole, name: string) => {
    const inner = /^#([a-z-]+)\/(.+)$/.exec(name);
    if (inner === null) return whole;
    return `'${posix.relative(posix.dirname(path), `${MODULES}libs/${inner[1]}/src/${inner[2]}`)}'`;
  });
}

function toPageFile(name: string, body: string): PageFile {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
