/** Where one member of a JSON object stands in its text. */
export interface JsonMember {
  readonly valueStart: number;
  /** Just after the value's last character. */
  readonly valueEnd: number;
}

/**
 * Finds a member of the object that begins at `objectStart` without parsing the text. Knows strings, escapes and
 * nesting, so that a prompt with `"usage":` in it is not taken for the block. The last of equal names counts, as in
 * `JSON.parse`.
 *
 * @param objectStart index of the object's `{`
 * @returns `missing` when the object has no such member; `odd` when the text is not what it seems (broken JSON, or a
 *   name written with escapes): the caller then parses.
 */
export function findMember(text: string, name: string, objectStart: number): JsonMember | 'missing' | 'odd' {
  if (text.charCodeAt(objectStart) !== OPEN) return 'odd';
  let found: JsonMember | null = null;
  let at = skipSpace(text, objectStart + 1);
  if (text.charCodeAt(at) === CLOSE) return 'missing';
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) return 'odd';
    const nameEnd = stringEnd(text, at);
    if (nameEnd < 0) return 'odd';
    const hit = nameEnd - at === name.length + 2 && text.startsWith(name, at + 1);
    if (!hit && text.slice(at, nameEnd).includes('\\')) return 'odd';
    at = skipSpace(text, nameEnd);
    if (text.charCodeAt(at) !== COLON) return 'odd';
    const valueStart = skipSpace(text, at + 1);
    const valueEnd = skipValue(text, valueStart);
    if (valueEnd < 0) return 'odd';
    if (hit) found = { valueStart, valueEnd };
    at = skipSpace(text, valueEnd);
    const next = text.charCodeAt(at);
    if (next === CLOSE) return found ?? 'missing';
    if (next !== COMMA) return 'odd';
    at = skipSpace(text, at + 1);
  }
}

/** Index of the first character that is no JSON white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at += 1;
  }
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** Index after the closing quote of the string that begins at `start`; -1 when it does not end. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return -1;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return stringEnd(text, start);
  if (first === OPEN || first === 91) return nestedEnd(text, start);
  let at = start;
  while (at < text.length && !isEnd(text.charCodeAt(at))) at += 1;
  return at === start ? -1 : at;
}

/** `,`, `}`, `]` or white space. */
const isEnd = (code: number): boolean => code === COMMA || code === CLOSE || code === 93 || code <= 32;

function nestedEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (at < 0) return -1;
      continue;
    }
    if (code === OPEN || code === 91) depth += 1;
    else if (code === CLOSE || code === 93) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
    at += 1;
  }
  return -1;
}
