import type { OwnFailure } from '../domain/own-failure.js';

/** What an answer has told so far; survives a failure. */
export interface AnswerFacts {
  id: string | null;
  serviceTier: string | null;
  finishReason: string | null;
  usage: unknown;
  deliveredChars: number;
}

export const noFacts = (): AnswerFacts => ({
  id: null,
  serviceTier: null,
  finishReason: null,
  usage: null,
  deliveredChars: 0,
});

/** Why an answer is none: our own judgement, or a provider's error as text for `classify`. */
export type AnswerFault =
  { readonly own: OwnFailure; readonly refusalText?: undefined } | { readonly own: null; readonly refusalText: string };

/** What a reader tells the attempt that owns it. After `completed` or `broken` it tells nothing more. */
export interface AnswerListener {
  /** The first content is there. Nothing may be retried from here on. */
  committed(): void;
  /** Content came: the provider is alive. */
  progressed(): void;
  /** The client takes no more for now (`true`), or goes on (`false`). */
  stalled(stalled: boolean): void;
  completed(body: Uint8Array | null): void;
  broken(fault: AnswerFault): void;
}

/** Reads the body of one 2xx answer. */
export interface AnswerReader {
  readonly facts: AnswerFacts;
  /** @returns false to pause the provider. */
  data(chunk: Uint8Array): boolean;
  /** The bytes have ended as they should. */
  end(): void;
  /** The connection broke or the clock ran out. @returns true when the answer was complete all the same. */
  endsWell(): boolean;
  /** The client has left: from now on only the facts matter. */
  detach(): void;
}
