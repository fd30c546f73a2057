import { UsageError } from './output.js';

/**
 * Splits words into `--name value` options, `--flag`s and the rest.
 * @throws UsageError for an option that is not known or has no value.
 */
export function readOptions(
  words: readonly string[],
  known: readonly string[],
  knownFlags: readonly string[] = [],
): {
  readonly options: Readonly<Record<string, string | undefined>>;
  readonly names: readonly string[];
  readonly flags: ReadonlySet<string>;
} {
  const options: Record<string, string> = {};
  const flags = new Set<string>();
  const names: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (!word.startsWith('--')) {
      names.push(word);
      continue;
    }
    const cut = word.indexOf('=');
    const name = word.slice(2, cut < 0 ? undefined : cut);
    if (cut < 0 && knownFlags.includes(name)) {
      flags.add(name);
      continue;
    }
    if (!known.includes(name))
      throw new UsageError(
        `no option --${name}; known: ${[...known, ...knownFlags].map((each) => `--${each}`).join(', ')}`,
      );
    const value = cut < 0 ? words[(index += 1)] : word.slice(cut + 1);
    if (value === undefined) throw new UsageError(`option --${name} needs a value`);
    options[name] = value;
  }
  return { options, names, flags };
}
