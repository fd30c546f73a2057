import { suggestion } from './did-you-mean.js';
import type { LocatedValue } from './located-value.js';
import type { Problem } from './problem.js';

interface NumberRule {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly integer?: boolean;
}

/** Where problems go while a file is read. */
export interface ProblemSink {
  readonly file: string;
  readonly problems: Problem[];
}

/**
 * One map of a file, read field by field. What is wrong is collected, the fall-back value stands in for it, and
 * reading goes on, so that one run shows all problems.
 */
export class Section {
  private constructor(
    private readonly entries: Extract<LocatedValue, { kind: 'map' }>['entries'],
    readonly line: number,
    readonly path: string,
    private readonly sink: ProblemSink,
  ) {}

  /** @param known field names; any other is a problem. `null` = the names are free (providers, models). */
  static of(node: LocatedValue | undefined, path: string, known: readonly string[] | null, sink: ProblemSink): Section {
    if (node === undefined || (node.kind === 'scalar' && node.value === null)) {
      return new Section(new Map(), node?.line ?? 0, path, sink);
    }
    if (node.kind !== 'map') {
      sink.problems.push({ file: sink.file, line: node.line, path, message: 'must be a map of names to values' });
      return new Section(new Map(), node.line, path, sink);
    }
    const section = new Section(node.entries, node.line, path, sink);
    if (known !== null) {
      for (const [key, entry] of node.entries) {
        if (!known.includes(key)) {
          section.report(key, `unknown setting "${key}"${suggestion(key, known)}`, entry.keyLine);
        }
      }
    }
    return section;
  }

  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  has(field: string): boolean {
    return this.entries.has(field);
  }

  lineOf(field: string): number {
    return this.entries.get(field)?.keyLine ?? this.line;
  }

  pathOf(field: string): string {
    if (field === '') return this.path;
    return this.path === '' ? field : `${this.path}.${field}`;
  }

  report(field: string, message: string, line = this.lineOf(field)): void {
    this.sink.problems.push({ file: this.sink.file, line, path: this.pathOf(field), message });
  }

  node(field: string): LocatedValue | undefined {
    return this.entries.get(field)?.value;
  }

  section(field: string, known: readonly string[] | null): Section {
    return Section.of(this.node(field), this.pathOf(field), known, this.sink);
  }

  /** Sections of a list; a missing list is empty. */
  sections(field: string, known: readonly string[]): readonly Section[] {
    return this.items(field).map((item, index) =>
      Section.of(item, `${this.pathOf(field)}[${index}]`, known, this.sink),
    );
  }

  string(field: string): string | null {
    const node = this.node(field);
    if (node === undefined) return null;
    const text = asText(node);
    if (text === null) this.report(field, 'must be a text', node.line);
    return text;
  }

  requiredString(field: string): string {
    const text = this.string(field);
    if (text !== null) return text;
    if (!this.has(field)) this.report(field, `"${field}" is missing`);
    return '';
  }

  strings(field: string): readonly { readonly text: string; readonly line: number }[] {
    return this.items(field).flatMap((item, index) => {
      const text = asText(item);
      if (text !== null) return [{ text, line: item.line }];
      this.report(`${field}[${index}]`, 'must be a text', item.line);
      return [];
    });
  }

  boolean(field: string, fallback: boolean): boolean {
    const node = this.node(field);
    if (node === undefined) return fallback;
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
    this.report(field, 'must be true or false', node.line);
    return fallback;
  }

  number(field: string, fallback: number, rule: NumberRule): number {
    const node = this.node(field);
    if (node === undefined) return fallback;
    const value = node.kind === 'scalar' && typeof node.value === 'number' ? node.value : Number.NaN;
    const fits =
      Number.isFinite(value) &&
      (rule.integer !== true || Number.isInteger(value)) &&
      value >= (rule.min ?? -Infinity) &&
      value <= (rule.max ?? Infinity) &&
      value > (rule.above ?? -Infinity);
    if (fits) return value;
    this.report(field, `must be ${describe(rule)}`, node.line);
    return fallback;
  }

  oneOf<T extends string>(field: string, values: readonly T[], fallback: T): T {
    const text = this.string(field);
    if (text === null) return fallback;
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    this.report(field, `"${text}" is not one of ${values.join(', ')}${suggestion(text, values)}`);
    return fallback;
  }

  private items(field: string): readonly LocatedValue[] {
    const node = this.node(field);
    if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
    if (node.kind === 'list') return node.items;
    this.report(field, 'must be a list', node.line);
    return [];
  }
}

/** `none`, `gpt-5`, but also `5` written without quotes. */
function asText(node: LocatedValue): string | null {
  if (node.kind !== 'scalar' || node.value === null) return null;
  return typeof node.value === 'string' ? node.value : node.text;
}

function describe(rule: NumberRule): string {
  const kind = rule.integer === true ? 'a whole number' : 'a number';
  if (rule.above !== undefined) return `${kind} above ${rule.above}`;
  if (rule.min !== undefined && rule.max !== undefined) return `${kind} from ${rule.min} to ${rule.max}`;
  return rule.min === undefined ? kind : `${kind} of at least ${rule.min}`;
}
