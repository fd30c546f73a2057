import type { EventLogReader } from '#event-log/ports/event-log.js';
import { TOPICS } from '#events/domain/topics.js';
import type { NoteSigner } from '#transparency/ports/note-signer.js';
import { openSigner, rebuildTransparencyLog } from '#transparency/transparency.module.js';

export interface ReplayTransparencyOrder {
  readonly reader: EventLogReader;
  /** `<dataDir>/transparency`. */
  readonly directory: string;
  /** `<dataDir>/secrets/transparency-key`; not read when the signer is given. */
  readonly keyFile: string;
  readonly signer?: NoteSigner;
  readonly onProgress: (read: number, total: number) => void;
}

/**
 * Rebuilds the trees of all partitions from the log, compares each with what was signed, and puts those that agree in
 * place. The sequencer must not run. Shows leaves, roots and the tiles that had been changed.
 */
export async function replayTransparency(order: ReplayTransparencyOrder): Promise<{
  readonly matches: boolean;
  readonly fromLog: Readonly<Record<string, string>>;
  readonly rebuilt: Readonly<Record<string, string>>;
}> {
  const fromLog: Record<string, string> = {};
  const rebuilt: Record<string, string> = {};
  const signer = order.signer ?? (await openSigner(order.keyFile));
  let matches = true;
  for (const partition of await order.reader.partitions(TOPICS.receipts)) {
    const result = await rebuildTransparencyLog({ ...order, signer, partition });
    if (result === null) continue;
    matches &&= result.matches;
    const name = `receipts/${partition}`;
    fromLog[`${name} root`] = result.signedRoot;
    rebuilt[`${name} root`] = result.rebuiltRoot;
    rebuilt[`${name} leaves`] = fromLog[`${name} leaves`] = String(result.size);
    fromLog[`${name} damaged tiles`] = result.damagedTiles.slice(0, 5).join(' ');
    rebuilt[`${name} damaged tiles`] = '0';
    if (result.damagedTiles.length === 0) fromLog[`${name} damaged tiles`] = '0';
  }
  return { matches, fromLog, rebuilt };
}
