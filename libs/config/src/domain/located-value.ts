/** A parsed file whose values know where they stand. */
export type LocatedValue =
  | { readonly kind: 'map'; readonly line: number; readonly entries: ReadonlyMap<string, LocatedEntry> }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly LocatedValue[] }
  | {
      readonly kind: 'scalar';
      readonly line: number;
      readonly value: string | number | boolean | null;
      /** As written, for numbers whose digits must not pass through a float. */
      readonly text: string;
    };

export interface LocatedEntry {
  readonly keyLine: number;
  readonly value: LocatedValue;
}
