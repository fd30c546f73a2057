/** What a provider says about one call, later and by its own books. Money in picodollars. */
export interface Generation {
  readonly id: string;
  /** All that the call cost, a key of one's own at the provider behind it included. */
  readonly cost: bigint;
  /** Counted by the model's own tokenizer; `null` = not told. Cached tokens are a part of the prompt. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
  readonly cancelled: boolean;
}
