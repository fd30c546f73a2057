const OURS = /^nm_([0-9a-f]{12})_[0-9a-f]{64}$/;
/** Longer texts are no keys: they are refused before anything is hashed. */
export const KEY_LENGTH_MAX = 512;

/** `nm_<keyid>_<secret>`: 12 and 64 hex digits. */
export function keyText(keyId: string, secret: string): string {
  return `nm_${keyId}_${secret}`;
}

/** The id inside a key that we made; `null` for any other text. */
export function keyIdOf(key: string): string | null {
  return OURS.exec(key)?.[1] ?? null;
}
