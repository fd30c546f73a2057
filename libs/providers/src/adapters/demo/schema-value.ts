type Schema = Readonly<Record<string, unknown>>;

/** Recursive schemas end here. */
const DEPTH_MAX = 12;

/**
 * A value that satisfies a JSON schema of the kind that tools and structured outputs use, taken from the prompt where
 * a string is free. Deterministic: the same schema and prompt give the same value.
 */
export function valueForSchema(schema: unknown, prompt: string): unknown {
  return valueOf(schema, { root: isSchema(schema) ? schema : {}, words: wordsOf(prompt), depth: 0, name: '' });
}

interface Place {
  readonly root: Schema;
  readonly words: readonly string[];
  readonly depth: number;
  /** Of the property, for a string that fits. */
  readonly name: string;
}

function valueOf(schema: unknown, place: Place): unknown {
  if (!isSchema(schema) || place.depth > DEPTH_MAX) return null;
  const inner = { ...place, depth: place.depth + 1 };
  if (typeof schema['$ref'] === 'string') return valueOf(resolve(place.root, schema['$ref']), inner);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return enumValue(schema['enum'], place);
  const choice = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choice)) return valueOf(choice.find((one) => !isNull(one)) ?? choice[0], inner);
  if (Array.isArray(schema['allOf'])) return valueOf(merged(schema, schema['allOf'], place.root), inner);
  switch (typeOf(schema)) {
    case 'object':
      return objectFor(schema, inner);
    case 'array':
      return arrayFor(schema, inner);
    case 'integer':
      return numberFor(schema, true);
    case 'number':
      return numberFor(schema, false);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return stringFor(schema, place);
  }
}

function typeOf(schema: Schema): string {
  const { type } = schema;
  if (Array.isArray(type)) return String(type.find((one) => one !== 'null') ?? 'null');
  if (typeof type === 'string') return type;
  if (isSchema(schema['properties'])) return 'object';
  return schema['items'] === undefined ? 'string' : 'array';
}

function objectFor(schema: Schema, place: Place): unknown {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : Object.keys(properties);
  // Deep down only what must be there, so that a schema that contains itself comes to an end.
  const names =
    place.depth > 5 ? Object.keys(properties).filter((name) => required.includes(name)) : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, valueOf(properties[name], { ...place, name })]));
}

function arrayFor(schema: Schema, place: Place): unknown {
  const prefix = Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as readonly unknown[]) : [];
  const least = number(schema['minItems']) ?? (place.depth > 5 ? 0 : 1);
  const most = number(schema['maxItems']) ?? Number.POSITIVE_INFINITY;
  const length = Math.min(Math.max(least, prefix.length), most, 64);
  return Array.from({ length }, (_, at) =>
    valueOf(prefix[at] ?? schema['items'] ?? {}, { ...place, words: place.words.slice(at) }),
  );
}

function numberFor(schema: Schema, whole: boolean): number {
  const step = number(schema['multipleOf']) ?? (whole ? 1 : 0);
  const above = number(schema['exclusiveMinimum']);
  const below = number(schema['exclusiveMaximum']);
  const least = number(schema['minimum']) ?? (above === null ? null : above + (step || 0.5));
  const most = number(schema['maximum']) ?? (below === null ? null : below - (step || 0.5));
  let value = least ?? Math.min(3, most ?? 3);
  if (step > 0) value = Math.ceil(value / step - 1e-9) * step;
  if (above !== null && below !== null && (value <= above || value >= below)) value = (above + below) / 2;
  return value;
}

const FORMATS: ReadonlyMap<unknown, string> = new Map([
  ['date-time', '2026-01-01T09:00:00Z'],
  ['date', '2026-01-01'],
  ['time', '09:00:00Z'],
  ['email', 'ada@example.com'],
  ['uri', 'https://example.com/'],
  ['url', 'https://example.com/'],
  ['uuid', '00000000-0000-4000-8000-000000000001'],
  ['ipv4', '192.0.2.1'],
  ['hostname', 'example.com'],
  ['duration', 'P1D'],
]);

function stringFor(schema: Schema, place: Place): string {
  const format = FORMATS.get(schema['format']);
  if (format !== undefined) return format;
  const names = place.words.filter((word) => /^\p{Lu}\p{L}{2,}/u.test(word));
  // "Weather in Paris": the last capitalised word is most often what a tool is asked about.
  const word = names.at(-1) ?? place.words.toSorted((a, b) => b.length - a.length)[0] ?? (place.name || 'demo');
  const least = number(schema['minLength']) ?? 0;
  const most = number(schema['maxLength']) ?? Number.POSITIVE_INFINITY;
  return word.padEnd(least, '-').slice(0, most);
}

/** An enum's member that the prompt names, or its first. */
function enumValue(values: readonly unknown[], place: Place): unknown {
  const said = new Set(place.words.map((word) => word.toLowerCase()));
  return values.find((value) => typeof value === 'string' && said.has(value.toLowerCase())) ?? values[0];
}

function merged(schema: Schema, parts: readonly unknown[], root: Schema): Schema {
  const { allOf: _allOf, ...base } = schema;
  const all: Schema[] = [base];
  for (const part of parts) {
    const one = isSchema(part) && typeof part['$ref'] === 'string' ? resolve(root, part['$ref']) : part;
    if (isSchema(one)) all.push(one);
  }
  const properties = Object.assign({}, ...all.map((one) => one['properties'] ?? {})) as Schema;
  const required = all.flatMap((one) => (Array.isArray(one['required']) ? (one['required'] as unknown[]) : []));
  const flat = Object.assign({}, ...all) as Record<string, unknown>;
  return Object.keys(properties).length === 0 ? flat : { ...flat, properties, required };
}

function resolve(root: Schema, reference: string): unknown {
  let at: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isSchema(at) || !Object.hasOwn(at, name)) return {};
    at = at[name];
  }
  return at;
}

const wordsOf = (prompt: string): readonly string[] =>
  prompt.slice(-4_000).match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? [];
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const isNull = (schema: unknown): boolean => isSchema(schema) && schema['type'] === 'null';
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
