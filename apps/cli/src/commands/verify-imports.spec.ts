import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = new URL('../../../../', import.meta.url);
const IMPORT = /^(?:import|export) (?!type )[^;]*?from '([^']+)';|^import '([^']+)';/gm;

/** The source of a module, as the `imports` of package.json map its name. */
function sourceOf(name: string, from: URL): URL | null {
  const source = name.replace(/\.js$/, '.ts');
  if (name.startsWith('.')) return new URL(source, from);
  const [library = '', ...path] = source.slice(1).split('/');
  if (!name.startsWith('#')) return null;
  return library === 'gateway'
    ? new URL(`apps/gateway/src/${path.join('/')}`, ROOT)
    : new URL(`libs/${library}/src/${path.join('/')}`, ROOT);
}

it('verify starts without a single package, so that an offline check takes a tenth of a second', () => {
  const wanted = [new URL('./verify.ts', import.meta.url)];
  const seen = new Set<string>();
  const packages = new Set<string>();
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (seen.has(file.href)) continue;
    seen.add(file.href);
    for (const [, one, other] of readFileSync(fileURLToPath(file), 'utf8').matchAll(IMPORT)) {
      const name = one ?? other ?? '';
      const source = sourceOf(name, file);
      if (source !== null) wanted.push(source);
      else if (!name.startsWith('node:')) packages.add(name);
    }
  }

  expect([...packages]).toEqual([]);
  expect(seen.size).toBeGreaterThan(30);
});
