/** One lexical unit of a SQL text. Comments and white space are gone. */
export interface SqlToken {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'mark';
  /** Bare words as written, quoted names without their quotes, strings without theirs and not unescaped. */
  readonly text: string;
}

export type SqlTokens =
  { readonly ok: true; readonly tokens: readonly SqlToken[] } | { readonly ok: false; readonly reason: string };

const WORD_START = /[A-Za-z_]/;
const WORD = /[A-Za-z0-9_]/;
const NUMBER = /[0-9A-Za-z_.]/;
const NUMERAL = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][0-9]*)?|[0-9]+(\.[0-9]+)+)$/;
const HEX = /^[0-9a-fA-F]*$/;

/**
 * Splits SQL so narrowly that it cannot be read in two ways: whatever ClickHouse's lexer knows and this one
 * does not (heredocs, typographic quotes, `#` comments, escapes inside quoted names) is refused, never guessed.
 */
export function tokenizeSql(sql: string): SqlTokens {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const char = sql.charAt(at);
    const two = sql.slice(at, at + 2);
    if (char === ' ' || char === '\t' || char === '\n' || char === '\r') at += 1;
    else if (two === '--') {
      const end = sql.indexOf('\n', at);
      at = end === -1 ? sql.length : end + 1;
    } else if (two === '/*') {
      const end = sql.indexOf('*/', at + 2);
      if (end === -1) return refuse('a comment does not end');
      if (sql.slice(at + 2, end).includes('/*')) return refuse('a comment inside a comment');
      at = end + 2;
    } else if (two === '//') return refuse('//');
    else if (char === "'") {
      const end = endOfQuoted(sql, at, char);
      if (end === -1) return refuse('a string does not end');
      tokens.push({ kind: 'string', text: sql.slice(at + 1, end) });
      const before = tokens.at(-2);
      // x'41' and b'01' have lexical rules of their own: inside them a backslash is no escape
      const prefixed = before?.kind === 'word' && /^[xXbB]$/.test(before.text) && sql.charAt(at - 1) === before.text;
      if (prefixed && !HEX.test(sql.slice(at + 1, end))) return refuse('a malformed hexadecimal string');
      at = end + 1;
    } else if (char === '"' || char === '`') {
      const end = endOfQuoted(sql, at, char);
      if (end === -1) return refuse('a quoted name does not end');
      const text = sql.slice(at + 1, end);
      if (text.includes('\\') || text.includes(char)) return refuse('an escape inside a quoted name');
      tokens.push({ kind: 'quoted', text });
      at = end + 1;
    } else if (WORD_START.test(char)) {
      let end = at + 1;
      while (end < sql.length && WORD.test(sql.charAt(end))) end += 1;
      if (sql.charAt(end) === '$') return refuse('the character $');
      tokens.push({ kind: 'word', text: sql.slice(at, end) });
      at = end;
    } else if (/[0-9]/.test(char)) {
      let end = at + 1;
      while (end < sql.length && NUMBER.test(sql.charAt(end))) end += 1;
      const text = sql.slice(at, end);
      if (!NUMERAL.test(text)) return refuse(`the number ${text}`);
      tokens.push({ kind: 'number', text });
      at = end;
    } else if ('()[]{}.,;:+-*/%=<>!?|@^&~'.includes(char)) {
      tokens.push({ kind: 'mark', text: char });
      at += 1;
    } else return refuse(`the character ${JSON.stringify(char)} outside a string`);
  }
  return { ok: true, tokens };
}

/** Index of the closing quote; a backslash escapes, a doubled quote stays inside. -1 when there is none. */
function endOfQuoted(sql: string, start: number, quote: string): number {
  for (let at = start + 1; at < sql.length; at += 1) {
    const char = sql.charAt(at);
    if (char === '\\') at += 1;
    else if (char === quote) {
      if (sql.charAt(at + 1) !== quote) return at;
      at += 1;
    }
  }
  return -1;
}

function refuse(what: string): SqlTokens {
  return { ok: false, reason: `cannot read this query safely: ${what}` };
}
