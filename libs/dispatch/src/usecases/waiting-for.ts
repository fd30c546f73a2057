import type { OwnFailure } from '../domain/own-failure.js';

/** What an attempt waits for; `drain`: for nobody but the receipt. */
export type WaitingFor = 'status' | 'first_content' | 'body' | 'refusal' | 'reader' | 'drain';

export const TIMEOUT_OF = {
  status: 'headers_timeout',
  first_content: 'first_token_timeout',
  body: 'body_timeout',
} as const satisfies Partial<Record<WaitingFor, OwnFailure>>;
