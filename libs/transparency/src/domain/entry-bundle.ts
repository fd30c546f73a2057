/** A length is a u16 in a bundle. */
export const ENTRY_BYTES_MAX = 65_535;

/**
 * Log entries one after the other, each behind its length as a big-endian u16 (C2SP tlog-tiles).
 * @returns `null` when an entry is longer than 65,535 bytes: it has a leaf hash, but fits no bundle.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array | null {
  let bytes = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_BYTES_MAX) return null;
    bytes += 2 + entry.length;
  }
  const bundle = new Uint8Array(bytes);
  let at = 0;
  for (const entry of entries) {
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 255;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** `null` when the bundle was cut or has something behind its last entry. */
export function decodeEntryBundle(bundle: Uint8Array): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (at + 2 > bundle.length) return null;
    const length = ((bundle[at] as number) << 8) | (bundle[at + 1] as number);
    at += 2;
    if (at + length > bundle.length) return null;
    entries.push(bundle.subarray(at, at + length));
    at += length;
  }
  return entries;
}
