import type { ProviderPreferences } from './order-targets.js';

/** Most names of one list that are looked at; the rest is ignored, and the plan says so. */
const NAMES_MAX = 16;
const TEXT_MAX = 100;

/** Client text on its way into a recorded decision or an error: bounded. */
export const shown = (name: string): string => (name.length > TEXT_MAX ? `${name.slice(0, TEXT_MAX)}…` : name);

/** Cuts a client's list to what is looked at and notes the cut. */
export function bounded(names: readonly string[], field: string, ignored: string[]): readonly string[] {
  if (names.length <= NAMES_MAX) return names;
  ignored.push(`${field}: only the first ${NAMES_MAX} are used`);
  return names.slice(0, NAMES_MAX);
}

/**
 * Keeps of the client's provider wishes what names a provider of ours. An `only` of nothing but strangers says nothing
 * about our providers: it is dropped as a whole.
 * @param ignored receives a line for each name that was dropped.
 */
export function knownWishes(
  wishes: ProviderPreferences | undefined,
  isProvider: (name: string) => boolean,
  ignored: string[],
): ProviderPreferences {
  if (wishes === undefined) return {};
  const known = (field: 'order' | 'only' | 'ignore'): readonly string[] =>
    bounded(wishes[field] ?? [], `provider.${field}`, ignored).filter((name) => {
      if (isProvider(name)) return true;
      ignored.push(`provider.${field}: ${shown(name)} is no provider here`);
      return false;
    });
  const order = known('order');
  const only = known('only');
  const ignore = known('ignore');
  return {
    ...(order.length > 0 && { order }),
    ...(only.length > 0 && { only }),
    ...(ignore.length > 0 && { ignore }),
    ...(wishes.allowFallbacks !== undefined && { allowFallbacks: wishes.allowFallbacks }),
  };
}
