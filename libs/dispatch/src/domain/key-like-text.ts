const KEY_LIKE =
  /\b(?:sk|pk|rk|nm|xai|gsk|hf|ghp|AKIA|AIza)[-_]?[A-Za-z0-9*_.-]{8,}|\bBearer\s+\S+|([?&](?:api[-_]?key|key|token)=)[^&\s]+|\b[A-Za-z0-9_-]{40,}\b/gi;
const PUBLIC_CHARS_MAX = 1_000;

/**
 * A provider's own words made fit for a client: whatever looks like a key is cut out, control characters go, and the
 * length is bounded. Providers quote the key that they refuse.
 */
export function withoutKeys(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text
    .slice(0, PUBLIC_CHARS_MAX)
    .replace(/\p{Cc}+/gu, ' ')
    .replace(KEY_LIKE, '$1[removed]');
}
