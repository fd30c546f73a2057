import type { Crypto } from './check-inclusion.js';
import { parseCheckpoint } from './checkpoint.js';
import { parseWitnessKeys, readCosignature } from './cosignature.js';
import { good, unknown, wrong, type Finding } from './finding.js';

/**
 * Have witnesses cosigned the checkpoint? A witness signs a checkpoint only when it belongs to the same history as the
 * last one that it saw, so that a log cannot show one history here and another there without a witness's help.
 * @param note the signed checkpoint; the log's own signature is checked elsewhere.
 * @param keys of witnesses, one a line.
 * @param min how many must have signed; `null` = all.
 */
export function checkWitnesses(note: string, keys: string, min: number | null, crypto: Crypto): readonly Finding[] {
  const witnesses = parseWitnessKeys(keys, crypto.digest);
  if (typeof witnesses === 'string') return [wrong('witness', witnesses)];
  const wanted = min ?? witnesses.length;
  if (wanted > witnesses.length) {
    return [wrong('witness', `${wanted} cosignatures are asked for, but only ${witnesses.length} keys were given`)];
  }
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') return [wrong('witness', parsed)];
  const { origin, size } = parsed.checkpoint;
  const findings: Finding[] = [];
  const missing: string[] = [];
  for (const key of witnesses) {
    const cosignature = readCosignature(parsed.note, key, crypto.verify);
    if (cosignature.kind === 'none') missing.push(key.name);
    else if (cosignature.kind === 'wrong') {
      findings.push(
        wrong('witness', `the cosignature of ${key.name} does not fit: the checkpoint, its time or it was changed`),
      );
    } else {
      findings.push(good('witness', `${key.name} saw ${origin} with ${size} entries at ${utc(cosignature.atS)}`));
    }
  }
  const seen = findings.filter(({ state }) => state === 'ok').length;
  if (seen < wanted) {
    const by = missing.length === 0 ? '' : `; none by ${missing.join(', ')}`;
    return [...findings, wrong('witness', `${seen} of the ${wanted} cosignatures that are asked for are there${by}`)];
  }
  return [...findings, ...missing.map((name) => unknown('witness', `no cosignature of ${name}`))];
}

function utc(atS: number): string {
  const date = new Date(atS * 1_000);
  return Number.isNaN(date.getTime()) ? `${atS} s` : date.toISOString().replace('.000', '');
}
