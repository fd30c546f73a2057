import type { LocatedEntry, LocatedValue } from './located-value.js';
import type { ProblemSink } from './section.js';

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Puts the environment into all texts: `${NAME}` must be set and not empty, `${NAME:-text}` falls back, `$${` is a
 * plain `${`. A missing name is a problem and never an empty key: a provider that silently lost its key would
 * change where requests go. Keys of maps are taken as they are.
 */
export function resolveReferences(
  node: LocatedValue,
  environment: Readonly<Record<string, string | undefined>>,
  sink: ProblemSink,
  path = '',
): LocatedValue {
  if (node.kind === 'list') {
    const items = node.items.map((item, index) => resolveReferences(item, environment, sink, `${path}[${index}]`));
    return { ...node, items };
  }
  if (node.kind === 'map') {
    const entries = new Map<string, LocatedEntry>();
    for (const [key, entry] of node.entries) {
      const below = path === '' ? key : `${path}.${key}`;
      entries.set(key, { ...entry, value: resolveReferences(entry.value, environment, sink, below) });
    }
    return { ...node, entries };
  }
  if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
  const value = node.value.replace(REFERENCE, (whole, name: string | undefined, fallback: string | undefined) => {
    if (name === undefined) return '${';
    const found = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (found !== undefined && found !== '') return found;
    if (fallback !== undefined) return fallback;
    const message = `the environment has no ${name}: set it, or write \${${name}:-text} for a fall-back`;
    sink.problems.push({ file: sink.file, line: node.line, path, message });
    return whole;
  });
  return { ...node, value, text: value };
}
