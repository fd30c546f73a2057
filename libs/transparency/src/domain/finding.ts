/** One thing that was checked. */
export interface Finding {
  readonly what:
    | 'proof'
    | 'key'
    | 'checkpoint'
    | 'log'
    | 'witness'
    | 'inclusion'
    | 'receipt'
    | 'fields'
    | 'sums'
    | 'cost'
    | 'price'
    | 'sql'
    | 'body'
    | 'consistency';
  /** `unknown`: it could not be checked with what was given; that alone is no fault. */
  readonly state: 'ok' | 'wrong' | 'unknown';
  /** For people: which field, which hash, what was expected. */
  readonly detail: string;
}

export const good = (what: Finding['what'], detail: string): Finding => ({ what, state: 'ok', detail });
export const wrong = (what: Finding['what'], detail: string): Finding => ({ what, state: 'wrong', detail });
export const unknown = (what: Finding['what'], detail: string): Finding => ({ what, state: 'unknown', detail });
