// CPU of the evidence for one request of 4 KB + 4 KB: commitments on the gateway's side; leaf hashes, tree, tiles and
// checkpoints on the sequencer's; and how long a backlog of 100,000 receipts takes. Needs `npm run build`; < 10 s.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentReader, openSegmentWriter } from '../dist/libs/event-log/src/event-log.module.js';
import { openSigner, startSequencer } from '../dist/libs/transparency/src/transparency.module.js';
import { commitment, RunningCommitment } from '../dist/apps/gateway/src/completions/commitment.js';

const BACKLOG = 100_000;
const folder = mkdtempSync(join(tmpdir(), 'nextmodel-evidence-'));
const micros = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const show = (name, us) => console.log(`${name.padEnd(58)} ${us.toFixed(2)} µs`);

try {
  const body = randomBytes(4_096);
  const salt = randomBytes(16);
  const rounds = 50_000;
  // The answer's body comes in pieces.
  const both = () => {
    commitment(salt, body);
    const answer = new RunningCommitment(salt);
    for (let at = 0; at < body.length; at += 512) answer.add(body.subarray(at, at + 512));
    answer.digest();
  };
  for (let n = 0; n < 5_000; n += 1) both();
  let began = micros();
  for (let n = 0; n < rounds; n += 1) both();
  const gatewayUs = (micros() - began) / rounds;
  show('gateway: commitments to 4 KB and to 8 pieces of 512 bytes', gatewayUs);

  const writer = await openSegmentWriter({ directory: join(folder, 'log'), partition: 0, durability: 'fast' });
  const receipt = { receiptId: '', filler: 'x'.repeat(1_400) };
  for (let n = 0; n < BACKLOG;) {
    const records = [];
    for (const end = n + 2_000; n < end; n += 1) {
      const value = JSON.stringify({ ...receipt, receiptId: String(n) });
      records.push({ topic: 'nextmodel.receipts', key: String(n), value, headers: { ce_id: String(n) } });
    }
    await writer.append(records).written;
  }
  const reader = openSegmentReader({ directory: join(folder, 'log') });
  const signer = await openSigner(join(folder, 'secrets', 'key'));
  let checkpoints = 0;
  const done = Promise.withResolvers();
  const wall = performance.now();
  began = micros();
  const running = startSequencer({
    reader,
    directory: join(folder, 'transparency'),
    signer,
    onCheckpoint: ({ size }) => {
      checkpoints += 1;
      if (size === BACKLOG) done.resolve();
    },
    onRefused: (_, reason) => done.reject(new Error(reason)),
    onError: (error) => done.reject(error),
  });
  await done.promise;
  const sequencerUs = (micros() - began) / BACKLOG;
  show(`sequencer: read, hash, tiles, ${checkpoints} checkpoints, for each receipt`, sequencerUs);
  console.log(`backlog of ${BACKLOG} receipts: ${Math.round(performance.now() - wall)} ms`);
  show('evidence for one request', gatewayUs + sequencerUs);
  await running.stop();
  await reader.close();
  await writer.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
