import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { LocatedEntry, LocatedValue } from '../../domain/located-value.js';
import type { Problem } from '../../domain/problem.js';

const NODES_MAX = 200_000;

/**
 * Reads YAML 1.2 (JSON is a part of it) keeping the line of every value and the digits of every number.
 * Never throws. Doubled keys, unknown anchors and broken syntax are problems; `root` is `null` when nothing
 * can be read. An empty text is an empty map.
 */
export function parseLocatedYaml(
  text: string,
  file: string,
): { readonly root: LocatedValue | null; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const problems = document.errors.map((error): Problem => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    path: '',
    message: `not readable as YAML: ${error.message}`,
  }));
  if (problems.length > 0) return { root: null, problems };
  if (document.contents === null) return { root: { kind: 'map', line: 1, entries: new Map() }, problems };
  try {
    return { root: new Reader(document, lines).read(document.contents), problems };
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not readable';
    return { root: null, problems: [{ file, line: 1, path: '', message }] };
  }
}

class Reader {
  #count = 0;

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
  ) {}

  read(node: unknown, depth = 0): LocatedValue {
    this.#count += 1;
    if (this.#count > NODES_MAX || depth > 50) throw new Error('the file is too large or too deep');
    if (isAlias(node)) return this.read(node.resolve(this.document), depth + 1);
    const line = this.lineOf(node as Node | null);
    if (isMap(node)) {
      const entries = new Map<string, LocatedEntry>();
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : '';
        entries.set(key, { keyLine: this.lineOf(pair.key as Node), value: this.read(pair.value, depth + 1) });
      }
      return { kind: 'map', line, entries };
    }
    if (isSeq(node)) return { kind: 'list', line, items: node.items.map((item) => this.read(item, depth + 1)) };
    if (isScalar(node)) {
      const value = node.value;
      const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return { kind: 'scalar', line, value: plain ? value : null, text: node.source ?? String(value) };
    }
    return { kind: 'scalar', line, value: null, text: '' };
  }

  private lineOf(node: Node | null | undefined): number {
    const offset = node?.range?.[0];
    return offset === undefined ? 1 : this.lines.linePos(offset).line;
  }
}
