import { checkEvidence, type EvidenceCheck } from '#gateway/dashboard/verify/check-evidence.js';
import { checkConsistency, type ProveSizes } from '#transparency/domain/check-consistency.js';
import { readReceiptEvent } from '#transparency/domain/check-cost.js';
import { checkWitnesses } from '#transparency/domain/check-witnesses.js';
import type { Checkpoint } from '#transparency/domain/checkpoint.js';
import { wrong, type Finding } from '#transparency/domain/finding.js';
import { parseLogProof } from '#transparency/domain/log-proof.js';
import { createSha256TreeHash, NODE_CRYPTO } from '#transparency/crypto.module.js';
import { proveConsistency } from '#transparency/usecases/prove-entry.js';
import { EXIT } from '../output.js';
import { gatherEvidence, readKeys, readText, type Gathered } from '../verify/gather-evidence.js';
import { showAsJson, showAsText } from '../verify/show-verification.js';
import { tilesInFolder } from '../verify/tiles-in-folder.js';
import { readVerifyOptions, VERIFY_HELP, type VerifyOptions } from '../verify/verify-options.js';

/**
 * `nextmodel verify`: is the receipt, byte for byte, in the signed log, and does its cost add up? With files it needs
 * neither network nor instance; with an id it fetches them first and then checks them here all the same.
 * Exit 1 names what is wrong; exit 0 says what was verified.
 */
export async function run(words: readonly string[]): Promise<number> {
  const wish = readVerifyOptions(words);
  if (wish === null) {
    process.stdout.write(VERIFY_HELP);
    return EXIT.ok;
  }
  const check = await verify(await gatherEvidence(wish.options, wish.id), wish.options, wish.id);
  process.stdout.write(wish.options.format === 'json' ? showAsJson(check) : showAsText(check));
  return check.findings.some(({ state }) => state === 'wrong') ? EXIT.wrong : EXIT.ok;
}

async function verify(gathered: Gathered, options: VerifyOptions, id: string | null): Promise<EvidenceCheck> {
  const { evidence } = gathered;
  const prices = options.prices === undefined ? evidence.prices : await givenPrices(evidence.event, options.prices);
  const check = checkEvidence({ ...evidence, prices }, id, NODE_CRYPTO);
  const witnessed = options.witness === undefined ? [] : await witnessFindings(evidence.proof, options);
  const kept =
    options.against === undefined
      ? []
      : await compareWithKept(check.checkpoint, await readText(options.against), gathered, options.tiles);
  return { ...check, findings: [...check.findings, ...witnessed, ...kept] };
}

async function witnessFindings(proof: string, options: VerifyOptions): Promise<readonly Finding[]> {
  const keys = await readKeys(options.witness ?? '');
  const min = options['witnesses-min'];
  const parsed = parseLogProof(proof);
  if (typeof parsed === 'string') return [wrong('witness', `the proof has no checkpoint: ${parsed}`)];
  return checkWitnesses(parsed.checkpoint, keys, min === undefined ? null : Number(min), NODE_CRYPTO);
}

async function givenPrices(event: Uint8Array, file: string): Promise<readonly string[]> {
  const text = await readText(file);
  const read = readReceiptEvent(event);
  if (read.kind !== 'sealed') return [];
  // Lists need YAML, which the other checks must not wait for.
  const { readPriceTexts } = await import('../verify/read-prices.js');
  return readPriceTexts(read.receipt, file, text);
}

async function compareWithKept(
  checkpoint: Checkpoint | null,
  kept: string,
  { evidence, tiles: served }: Gathered,
  folder: string | undefined,
): Promise<readonly Finding[]> {
  if (checkpoint === null) return [wrong('consistency', 'the proof has no checkpoint to compare with')];
  const tiles = folder === undefined ? (served?.(checkpoint.origin) ?? null) : tilesInFolder(folder);
  const hash = createSha256TreeHash();
  const prove: ProveSizes | null =
    tiles === null ? null : (older, newer) => proveConsistency(tiles, older, newer, hash);
  return checkConsistency(checkpoint, kept, evidence.keys, prove, NODE_CRYPTO);
}
