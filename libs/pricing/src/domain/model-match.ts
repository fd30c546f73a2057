/** How the catalogue tells which names belong to a model; letters' case does not matter, except in `regex`. */
export type ModelMatch =
  | { readonly or: readonly ModelMatch[] }
  | { readonly and: readonly ModelMatch[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string };

const compiled = new Map<string, RegExp>();

/** @param name in lower case. */
export function matchesModel(match: ModelMatch, name: string): boolean {
  if ('or' in match) return match.or.some((part) => matchesModel(part, name));
  if ('and' in match) return match.and.every((part) => matchesModel(part, name));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  let pattern = compiled.get(match.regex);
  if (pattern === undefined) compiled.set(match.regex, (pattern = new RegExp(match.regex)));
  return pattern.test(name);
}

/** `gpt-5-20250807` → `gpt-5-2025-08-07`: the same date in the form that catalogues use. */
export function withDashedDate(name: string): string {
  return name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');
}

/** One star at most: `*`, `llama*`, `local/*`. */
export function matchesPattern(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === name;
  const fits = name.length >= pattern.length - 1;
  return fits && name.startsWith(pattern.slice(0, star)) && name.endsWith(pattern.slice(star + 1));
}
