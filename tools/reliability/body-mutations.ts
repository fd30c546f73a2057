/** Bodies of all features that clients use; what is mutated. */
export const SEED_BODIES: readonly Readonly<Record<string, unknown>>[] = [
  { model: 'f:ok', messages: [{ role: 'user', content: 'hello' }] },
  {
    model: 'f:ok',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Héllo 🌍' }],
  },
  {
    model: 'f:ok',
    messages: [
      { role: 'system', content: 'short' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ],
      },
    ],
    temperature: 0.7,
    max_tokens: 100,
    n: 2,
    stop: ['a', 'b'],
    user: 'someone',
    metadata: { a: 'b' },
    seed: 7,
  },
  {
    model: 'f:ok',
    stream: true,
    parallel_tool_calls: true,
    tool_choice: { type: 'function', function: { name: 'f' } },
    tools: [
      {
        type: 'function',
        function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'number' } } } },
      },
    ],
    messages: [
      { role: 'user', content: 'call' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '1' },
    ],
  },
  {
    model: 'f:ok',
    response_format: {
      type: 'json_schema',
      json_schema: { name: 's', strict: true, schema: { type: 'object', properties: {} } },
    },
    messages: [{ role: 'developer', content: 'JSON' }],
    logprobs: true,
    logit_bias: { '50256': -100 },
  },
];

const ODD: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1e308,
  () => 2 ** 53 + 2,
  () => '',
  () => 'x'.repeat(300),
  () => '\u0000\r\n\u2028\uD800',
  () => [],
  () => {},
  () => ({}),
  () => [null],
  () => ({ __proto__: null, constructor: { prototype: { polluted: 1 } } }),
  () => nested(100),
  () => Array.from({ length: 3_000 }, () => 1),
  () => '__proto__',
];
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'base_url',
  'api_key',
  'x',
  '',
  'models',
  'fallbacks',
  'cache',
  'n',
];

/** One mutated body as bytes: its values, its keys, its text or its bytes are changed, one to four times. */
export function mutateBody(random: () => number): Buffer {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const body = structuredClone(pick(SEED_BODIES)) as Record<string, unknown>;
  const times = 1 + Math.floor(random() * 4);
  for (let at = 0; at < times; at += 1) mutateValue(body, random, pick);
  let text = random() < 0.05 ? JSON.stringify(pick(ODD)() ?? null) : JSON.stringify(body);
  if (random() < 0.15) text = mutateText(text, random);
  const bytes = Buffer.from(text, 'utf8');
  if (random() < 0.15 && bytes.length > 0) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

function mutateValue(root: Record<string, unknown>, random: () => number, pick: <T>(all: readonly T[]) => T): void {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  if (places.length === 0) return;
  const [holder, key] = pick(places);
  const how = random();
  if (how < 0.6) holder[key] = pick(ODD)();
  else if (how < 0.75) delete holder[key];
  else
    Object.defineProperty(holder, pick(KEYS), {
      value: pick(ODD)(),
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

function mutateText(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const how = random();
  if (how < 0.3) return text.slice(0, at);
  if (how < 0.5) return text.slice(0, at) + text.slice(at, at + 40) + text.slice(at);
  if (how < 0.7) return text.replace(/:\d+/, ':1e999');
  if (how < 0.85) return text.replace('"model"', '"model":"f:400","model"');
  return `${text.slice(0, at)}${'[{"a":'.repeat(200)}${text.slice(at)}`;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at += 1) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}
