import type { CacheContent } from './cache-question.js';

/** `CacheContent` with the scope that it answers in, so that a sealed answer cannot be served elsewhere. */
export interface SealedContent extends CacheContent {
  readonly scope: string;
}

/** Reads the plain text of a sealed entry; `null` when it is no such thing. */
export function parseSealedContent(plain: string): SealedContent | null {
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Partial<Record<keyof SealedContent, unknown>>;
  const whole =
    typeof fields.question === 'string' &&
    typeof fields.exactHash === 'string' &&
    typeof fields.provider === 'string' &&
    typeof fields.model === 'string' &&
    typeof fields.scope === 'string' &&
    (fields.costPicoUsd === null || typeof fields.costPicoUsd === 'string') &&
    typeof fields.answer === 'object' &&
    fields.answer !== null &&
    (fields.embedded === undefined || isEmbedded(fields.embedded));
  return whole ? (value as SealedContent) : null;
}

function isEmbedded(value: unknown): boolean {
  const { embedderId, vector } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof embedderId === 'string' && typeof vector === 'string';
}
