import { readFile } from 'node:fs/promises';
import { checkConsistency, type ProveSizes } from '#transparency/domain/check-consistency.js';
import { checkCost, readReceiptEvent } from '#transparency/domain/check-cost.js';
import { checkInclusion } from '#transparency/domain/check-inclusion.js';
import { good, wrong, type Finding } from '#transparency/domain/finding.js';
import { createSha256TreeHash, NODE_CRYPTO } from '#transparency/transparency.module.js';
import { proveConsistency } from '#transparency/usecases/prove-entry.js';
import { EXIT, UsageError } from '../output.js';
import { readOptions } from '../options.js';
import type { Evidence } from '../verify/evidence.js';
import { tilesInFolder } from '../verify/tiles-in-folder.js';

const USAGE =
  'usage: nextmodel verify <receipt-id> [--key <vkey>] [--save <folder>] | --event <file> --proof <file> --key <vkey or file>; both: [--prices <file>] [--against <checkpoint>] [--tiles <folder>]';
const OPTIONS = ['event', 'proof', 'key', 'prices', 'against', 'tiles', 'save'] as const;
type Options = { readonly [O in (typeof OPTIONS)[number]]?: string | undefined };

/**
 * `nextmodel verify`: is the receipt, byte for byte, in the signed log, and does its cost add up? With files it needs
 * neither network nor instance; with an id it fetches them first and then checks them here all the same.
 * Exit 1 names what is wrong; exit 0 says what was verified.
 */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names } = readOptions(words, OPTIONS);
  const evidence = await gather(options, names);
  const findings = await verify(evidence, options, names[0] ?? null);
  for (const { what, state, detail } of findings) {
    const mark = { ok: 'ok     ', wrong: 'WRONG  ', unknown: '?      ' }[state];
    process.stdout.write(`${mark}${what.padEnd(12)}${detail}\n`);
  }
  const faults = findings.filter(({ state }) => state === 'wrong');
  const event = readReceiptEvent(evidence.event);
  const which = event.kind === 'sealed' ? `rcpt_${event.receipt.receiptId}: ` : '';
  process.stdout.write(
    faults.length === 0
      ? 'Verified.\n'
      : `NOT verified: ${which}${faults.length} of ${findings.length} checks failed (${[...new Set(faults.map(({ what }) => what))].join(', ')}).\n`,
  );
  return faults.length === 0 ? EXIT.ok : EXIT.wrong;
}

async function gather(options: Options, names: readonly string[]): Promise<Evidence> {
  const { event, proof, key } = options;
  if (event !== undefined && proof !== undefined && key !== undefined && names.length === 0) {
    const [bytes, proofText, keys] = await Promise.all([readBytes(event), readText(proof), readKey(key)]);
    return { event: bytes, proof: proofText, keys, tiles: null };
  }
  const [id] = names;
  if (id === undefined || names.length > 1 || event !== undefined || proof !== undefined) throw new UsageError(USAGE);
  // Offline checks must not wait for the client and the settings.
  const { fetchEvidence } = await import('../verify/fetch-evidence.js');
  const fetched = await fetchEvidence(id, options.save ?? null);
  return key === undefined ? fetched : { ...fetched, keys: await readKey(key) };
}

async function verify(evidence: Evidence, options: Options, id: string | null): Promise<readonly Finding[]> {
  const inclusion = checkInclusion(evidence.event, evidence.proof, evidence.keys, NODE_CRYPTO);
  const findings = [...inclusion.findings, ...(await checkReceipt(evidence.event, options.prices ?? null, id))];
  const { checkpoint } = inclusion;
  if (options.against === undefined) return findings;
  const kept = await readText(options.against);
  if (checkpoint === null) return [...findings, wrong('consistency', 'the proof has no checkpoint to compare with')];
  const tiles =
    options.tiles === undefined ? (evidence.tiles?.(checkpoint.origin) ?? null) : tilesInFolder(options.tiles);
  const hash = createSha256TreeHash();
  const prove: ProveSizes | null =
    tiles === null ? null : (older, newer) => proveConsistency(tiles, older, newer, hash);
  return [...findings, ...(await checkConsistency(checkpoint, kept, evidence.keys, prove, NODE_CRYPTO))];
}

async function checkReceipt(bytes: Uint8Array, prices: string | null, id: string | null): Promise<readonly Finding[]> {
  const event = readReceiptEvent(bytes);
  if (event.kind === 'unreadable') return [wrong('receipt', event.reason)];
  if (event.kind === 'adjusted') {
    return [good('receipt', `an adjustment of ${event.receiptId} by ${event.deltaPicoUsd} picodollars`)];
  }
  const { receipt } = event;
  const bare = id?.replace(/^rcpt_/, '') ?? receipt.receiptId;
  const findings = [
    bare === receipt.receiptId
      ? good(
          'receipt',
          `says it is rcpt_${receipt.receiptId} of tenant ${receipt.tenantId}, ${receipt.acceptedAt}, ${receipt.status}`,
        )
      : wrong('receipt', `the event is of rcpt_${receipt.receiptId}, not of rcpt_${bare}`),
    ...checkCost(receipt),
  ];
  if (prices === null) return findings;
  const { checkPrices } = await import('../verify/check-prices.js');
  return [...findings, ...checkPrices(receipt, prices, await readText(prices))];
}

/** The key itself, or a file with one key a line. */
async function readKey(text: string): Promise<string> {
  return /^[^+/\s][^+\s]*\+[0-9a-f]{8}\+\S+$/.test(text) ? text : readText(text);
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}
