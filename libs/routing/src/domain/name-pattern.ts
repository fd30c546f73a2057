/**
 * Matches a name against a pattern in which `*` stands for any run of characters, also none. Linear, no regular
 * expression: patterns come from configuration and names from clients.
 * @returns what the first star stood for (`''` when the pattern has none), or `null` when the name does not match.
 */
export function matchName(pattern: string, name: string): string | null {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === name ? '' : null;
  const pieces = pattern.split('*');
  const head = pieces[0] ?? '';
  const tail = pieces[pieces.length - 1] ?? '';
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return null;
  const end = name.length - tail.length;
  let at = head.length;
  let captured = name.slice(at, end);
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i] ?? '';
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return null;
    if (i === 1) captured = name.slice(head.length, found);
    at = found + piece.length;
  }
  return captured;
}

/** Does any pattern match? An empty list allows everything, as a key without a model list does. */
export function allowsName(patterns: readonly string[], name: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matchName(pattern, name) !== null);
}

/** Number of characters that a pattern fixes; the pattern that fixes more is the more specific one. */
export function literalLength(pattern: string): number {
  return pattern.replaceAll('*', '').length;
}
