import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { posix } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPageFiles, type PageFile } from './page-files.js';

let files: ReadonlyMap<string, PageFile>;
beforeAll(async () => {
  // The build is not there in this tier: types are taken off the sources instead.
  files = await loadPageFiles(async (path) => {
    const source = new URL(`../../../../${path.replace(/\.js$/, '.ts')}`, import.meta.url);
    return stripTypeScriptTypes(await readFile(source, 'utf8'), { mode: 'transform' });
  });
});
const scripts = (): [string, PageFile][] => [...files].filter(([path]) => path.endsWith('.js'));

describe('the page for auditors', () => {
  it('has every module that it imports, under names that browsers understand', () => {
    const imports = scripts().flatMap(([path, { body }]) =>
      [...body.matchAll(/\b(?:from|import)\s*['"]([^'"]+)['"]/g)].map((match) => [path, match[1] as string] as const),
    );

    expect(imports.length).toBeGreaterThan(30);
    for (const [path, name] of imports) {
      expect(name, path).toMatch(/^\.\.?\//);
      expect([...files.keys()], `${path} imports ${name}`).toContain(posix.join(posix.dirname(path), name));
    }
  });

  it('has nothing of Node, no dependency, and nothing but pure code below modules/', () => {
    for (const [path, { body }] of scripts()) {
      expect(body, path).not.toMatch(/\b(?:process|require|Buffer)\b\s*[.(]/);
      expect(body, path).not.toContain('node:');
      if (path.startsWith('modules/libs/'))
        expect(path).toMatch(/^modules\/libs\/[a-z-]+\/src\/domain\/[a-z0-9-]+\.js$/);
    }
  });

  it('makes no markup of texts, runs none, and asks no other host', () => {
    for (const [path, { body }] of scripts()) {
      expect(body, path).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|localStorage|document\.cookie/,
      );
    }
    const html = files.get('index.html')?.body ?? '';
    expect(html).not.toMatch(/ on[a-z]+=|<style|style=|javascript:/);
    expect(html.match(/<script\b[^>]*>/g)).toEqual(['<script type="module" src="dashboard.js">']);
    for (const [path, { body }] of files) {
      if (!path.startsWith('modules/'))
        expect(body.replace('http://www.w3.org/2000/svg', ''), path).not.toMatch(/https?:\/\//);
    }
  });
});
