import { fileURLToPath } from 'node:url';

export interface ChildEntry {
  readonly path: string;
  readonly execArgv: readonly string[];
}

/** Finds TypeScript sources for `.js` specifiers; needed only when this code itself runs from source, in tests. */
const SOURCE_HOOK = `
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    try { return next(specifier, context); }
    catch (error) {
      if (!specifier.startsWith('.') || !specifier.endsWith('.js')) throw error;
      return next(specifier.slice(0, -3) + '.ts', context);
    }
  },
});`;

/** The child's program beside this file: compiled in the product, the source itself under a test runner. */
export function childEntry(): ChildEntry {
  const fromSource = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(new URL(`./sql-engine-main.${fromSource ? 'ts' : 'js'}`, import.meta.url));
  if (!fromSource) return { path, execArgv: [] };
  const hook = `data:text/javascript,${encodeURIComponent(SOURCE_HOOK)}`;
  return {
    path,
    execArgv: ['--conditions=nextmodel-source', '--disable-warning=ExperimentalWarning', '--import', hook],
  };
}
