/** One counter; add to `value`. */
export interface Cell {
  value: number;
}

const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const pairs = (names: readonly string[], values: readonly string[]): string =>
  names.map((name, index) => `${name}="${escapeLabel(values[index] ?? '')}"`).join(',');
const labelled = (name: string, labels: string): string => (labels === '' ? name : `${name}{${labels}}`);
const heading = (name: string, help: string, type: string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/** Something that can be shown in Prometheus' text format. */
export interface Family {
  readonly name: string;
  expose(): string;
}

/**
 * A counter or gauge with labels. The hot path keeps the cells: one addition per event, where a general client
 * builds and hashes the labels again each time.
 */
export class CellFamily implements Family {
  readonly #cells = new Map<string, Cell>();

  constructor(
    readonly name: string,
    private readonly help: string,
    private readonly labelNames: readonly string[],
    private readonly type: 'counter' | 'gauge' = 'counter',
  ) {
    if (labelNames.length === 0) this.bind([]);
  }

  /** @param values in the order of the label names. */
  bind(values: readonly string[]): Cell {
    const labels = pairs(this.labelNames, values);
    let cell = this.#cells.get(labels);
    if (cell === undefined) this.#cells.set(labels, (cell = { value: 0 }));
    return cell;
  }

  clear(): void {
    this.#cells.clear();
  }

  expose(): string {
    if (this.#cells.size === 0) return '';
    let text = heading(this.name, this.help, this.type);
    for (const [labels, cell] of this.#cells) text += `${labelled(this.name, labels)} ${cell.value}\n`;
    return text;
  }
}

/** Counts per bucket; cumulative only when shown. */
export class Distribution {
  readonly counts: Float64Array;
  sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] ?? 0)) index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
  }
}

/** A histogram with labels. */
export class DistributionFamily implements Family {
  readonly #parts = new Map<string, Distribution>();

  constructor(
    readonly name: string,
    private readonly help: string,
    private readonly labelNames: readonly string[],
    private readonly bounds: readonly number[],
  ) {
    if (labelNames.length === 0) this.bind([]);
  }

  bind(values: readonly string[]): Distribution {
    const labels = pairs(this.labelNames, values);
    let part = this.#parts.get(labels);
    if (part === undefined) this.#parts.set(labels, (part = new Distribution(this.bounds)));
    return part;
  }

  expose(): string {
    if (this.#parts.size === 0) return '';
    let text = heading(this.name, this.help, 'histogram');
    for (const [labels, { counts, sum }] of this.#parts) {
      const before = labels === '' ? '' : `${labels},`;
      let total = 0;
      for (const [index, bound] of [...this.bounds, '+Inf'].entries()) {
        total += counts[index] ?? 0;
        text += `${this.name}_bucket{${before}le="${bound}"} ${total}\n`;
      }
      text += `${labelled(`${this.name}_sum`, labels)} ${sum}\n${labelled(`${this.name}_count`, labels)} ${total}\n`;
    }
    return text;
  }
}
