import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWitness, type RunningWitness } from '../../../../../tools/witness/start-witness.js';
import { receiptRecords, signedLog, testSigner } from '../../__fixtures__/receipt-log.js';
import { checkWitnesses } from '../../domain/check-witnesses.js';
import { COSIGNATURE_V1, createVerifierKey, formatVerifierKey, parseVerifierKey } from '../../domain/verifier-key.js';
import { createTreeHash } from '../../domain/tree-hash.js';
import { addCheckpointRequest, WitnessRound } from '../../usecases/ask-witnesses.js';
import { verifyEd25519 } from '../node-crypto/ed25519.js';
import { sha256 } from '../node-crypto/sha256.js';
import { HttpWitness } from './http-witness.js';

const never = new AbortController().signal;
const ORIGIN = 'test.example/receipts/0';
const LOG_KEY = formatVerifierKey(createVerifierKey(ORIGIN, testSigner.publicKey, sha256));

/** A log of another maker: requests that the public witness `litewitness` is tested with. */
const SIGSUM = 'sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562';
const SIGSUM_PUBLIC = Buffer.from('ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f', 'hex');
const SIGSUM_KEY = formatVerifierKey(createVerifierKey(SIGSUM, SIGSUM_PUBLIC, sha256));
const ONE = `${SIGSUM}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— ${SIGSUM} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
`;
const THREE_PROOF = 'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nKgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n';
const THREE = `${SIGSUM}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— ${SIGSUM} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
`;

let witness: RunningWitness;
beforeAll(async () => {
  witness = await startWitness('witness.example/w1', `${LOG_KEY}\n${SIGSUM_KEY}\n`);
});
afterAll(async () => {
  await witness?.stop();
  witness?.remove();
});

async function post(body: string): Promise<{ status: number; type: string | null; text: string }> {
  const answer = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}
const statusOf = async (body: string): Promise<number> => (await post(body)).status;

describe('the witness in tools/witness', () => {
  it('answers as the protocol says to checkpoints of a log of another maker', async () => {
    expect(await statusOf(`old 2\n\n${ONE}`)).toBe(400);
    expect(await statusOf(`old 0\n${THREE_PROOF}\n${ONE}`)).toBe(422);
    const first = await post(`old 0\n\n${ONE}`);
    const conflict = await post(`old 0\n\n${THREE}`);
    const forged = await statusOf(`old 1\n${THREE_PROOF}\n${THREE.replace('6go=', '6gx=')}`);
    const changed = await statusOf(`old 1\n${THREE_PROOF}\n${THREE.replace('RcCI', 'RcCJ')}`);
    const unknown = await statusOf(`old 1\n${THREE_PROOF}\n${THREE.replaceAll('09e562', '09e563')}`);
    const unproved = await statusOf(`old 1\n\n${THREE}`);
    const badProof = await statusOf(`old 1\n${THREE_PROOF.replace('KgE', 'KgF')}\n${THREE}`);
    const grown = await post(`old 1\n${THREE_PROOF}\n${THREE}`);
    const again = await statusOf(`old 3\n\n${THREE}`);
    const back = await post(`old 1\n\n${ONE}`);

    expect(first.status).toBe(200);
    expect(conflict).toEqual({ status: 409, type: 'text/x.tlog.size', text: '1\n' });
    expect([forged, changed, unknown, unproved, badProof]).toEqual([403, 403, 404, 422, 422]);
    expect([grown.status, again]).toEqual([200, 200]);
    expect([back.status, back.text]).toEqual([409, '3\n']);
    for (const [note, { text }] of [
      [ONE, first],
      [THREE, grown],
    ] as const) {
      const findings = checkWitnesses(`${note}${text}`, witness.key, null, { digest: sha256, verify: verifyEd25519 });
      expect(findings.map(({ state }) => state)).toEqual(['ok']);
    }
  });

  it('cosigns our log as it grows, also after a restart on either side, and refuses another history of it', async () => {
    const log = await signedLog(5);
    const kept: string[] = [];
    const roundOf = (store = log.store): WitnessRound => {
      const key = parseVerifierKey(witness.key, sha256, COSIGNATURE_V1);
      if (typeof key === 'string') throw new Error(key);
      return new WitnessRound({
        witnesses: [new HttpWitness(key, { url: `${witness.url}/`, allowPrivate: true, timeoutMs: 5_000 })],
        tilesOf: () => store,
        keep: async (_, note) => void kept.push(note),
        hash: createTreeHash(sha256),
        verify: verifyEd25519,
      });
    };
    await roundOf().post(log.note, never);
    const { folder } = witness;
    await witness.stop();
    witness = await startWitness('witness.example/w1', `${LOG_KEY}\n${SIGSUM_KEY}\n`, folder);
    const sequencer = await log.open();
    await log.log.writer.append(receiptRecords(5, 300)).durable;
    await log.readOn(sequencer);
    const grown = (await sequencer.sign())?.note ?? '';

    await roundOf().post(grown, never);

    expect(kept.map((note) => note.split('\n')[1])).toEqual(['5', '305']);
    const other = await signedLog(310);
    const tampered = await signedLog(0);
    await tampered.log.writer.append(receiptRecords(1, 310)).durable;
    const forger = await tampered.open();
    await tampered.readOn(forger);
    const rewritten = (await forger.sign())?.note ?? '';
    await expect(roundOf(tampered.store).post(rewritten, never)).rejects.toThrow(/422: .*history/);
    await roundOf(other.store).post(other.note, never);
    await expect(roundOf().post(log.note, never)).rejects.toThrow('rolled back');
    expect(kept).toHaveLength(3);
    expect(await statusOf(addCheckpointRequest(310, [], rewritten))).toBe(422);
  });

  it('gives its last checkpoint with both signatures to monitors', async () => {
    const hash = Buffer.from(sha256(Buffer.from(SIGSUM))).toString('hex');

    const note = await fetch(`${witness.url}/${hash}/checkpoint`).then((answer) => answer.text());

    expect(note.startsWith(THREE)).toBe(true);
    expect(note).toMatch(/\n— witness\.example\/w1 \S+\n$/);
    expect((await fetch(`${witness.url}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
  });
});
