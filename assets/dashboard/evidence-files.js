import { NO_EXTRAS, parseBundle, parseSalts } from './modules/apps/gateway/src/dashboard/verify/evidence.js';
import { parsePriceRecord } from './modules/libs/pricing/src/domain/price-record.js';

/** What a file may be, with its name for people. */
export const ROLES = {
  evidence: 'evidence',
  event: 'event (the receipt)',
  proof: 'proof',
  key: 'public key',
  prices: 'price records',
  request: 'request that was sent',
  response: 'answer that came',
  salts: 'salts',
  kept: 'checkpoint that was kept',
  ignored: 'nothing (ignored)',
};

const textOf = (bytes) => new TextDecoder().decode(bytes);
const linesOf = (text) => text.split('\n').filter((line) => line.trim() !== '');

/** A guess by what stands in the file; people can say otherwise. */
export function guessRole(bytes, name) {
  const text = textOf(bytes);
  if (text.startsWith('c2sp.org/tlog-proof@') || name.endsWith('.tlog-proof')) return 'proof';
  if (linesOf(text).length > 0 && linesOf(text).every((line) => /^\S+\+[0-9a-f]{8}\+\S+$/.test(line))) return 'key';
  if (/\n\n— \S+ \S+\n/.test(text)) return 'kept';
  if (/^(data:|:)/.test(text)) return 'response';
  if (linesOf(text).some((line) => parsePriceRecord(line) !== null)) return 'prices';
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // What is damaged is most likely the receipt; the check says that it cannot be read.
    return /"object":"receipt\.evidence"/.test(text) ? 'evidence' : 'event';
  }
  if (typeof value !== 'object' || value === null) return 'event';
  if (value.object === 'receipt.evidence') return 'evidence';
  if (value.object === 'receipt.salts') return 'salts';
  if ('receiptId' in value) return 'event';
  if ('choices' in value || 'usage' in value) return 'response';
  if ('messages' in value || 'input' in value) return 'request';
  return 'event';
}

/**
 * @param {{name: string, role: string, bytes: Uint8Array}[]} files
 * @param {string} pastedKey
 * @returns {{evidence?: object, kept?: string, missing?: string}} `missing` says what is still needed
 */
export function toEvidence(files, pastedKey) {
  const last = (role) => files.findLast((file) => file.role === role) ?? null;
  const text = (role) => (last(role) === null ? null : textOf(last(role).bytes));
  const bundleText = text('evidence');
  const bundle = bundleText === null ? null : parseBundle(bundleText);
  if (typeof bundle === 'string') return { missing: `${last('evidence').name}: ${bundle}` };
  const key = pastedKey.trim() === '' ? text('key') : pastedKey;
  const parts = {
    ...NO_EXTRAS,
    ...bundle,
    ...(last('event') === null ? {} : { event: last('event').bytes, sql: null }),
    ...(last('proof') === null ? {} : { proof: text('proof') }),
    ...(key === null ? {} : { keys: key, keysFrom: 'given' }),
  };
  const lacks = [
    ['event', 'the event'],
    ['proof', 'its proof'],
    ['keys', 'the public key'],
  ].filter(([name]) => parts[name] === undefined);
  if (lacks.length > 0) return { missing: `Still needed: ${lacks.map(([, name]) => name).join(', ')}.` };
  const prices = files.filter(({ role }) => role === 'prices').flatMap(({ bytes }) => linesOf(textOf(bytes)));
  const salts = text('salts') === null ? { requestSalt: null, responseSalt: null } : parseSalts(text('salts'));
  if (typeof salts === 'string') return { missing: `${last('salts').name}: ${salts}` };
  const [request, response] = [last('request')?.bytes ?? null, last('response')?.bytes ?? null];
  const bodies = request === null && response === null ? null : { ...salts, request, response };
  const evidence = { ...parts, prices: prices.length > 0 ? prices : parts.prices, bodies };
  return { evidence, kept: text('kept') };
}
