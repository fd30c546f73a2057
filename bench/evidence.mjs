// CPU of the evidence for one request of 4 KB + 4 KB: salts and commitments on the gateway's side; leaf hashes, tree, tiles and
// checkpoints on the sequencer's; and how long a backlog of 100,000 receipts takes. Needs `npm run build`; < 10 s.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentReader, openSegmentWriter } from '../dist/libs/event-log/src/event-log.module.js';
import { openSigner, startSequencer } from '../dist/libs/transparency/src/transparency.module.js';
import {
  contentSubjectOf,
  createContentCipher,
  openKeyFile,
} from '../dist/libs/semantic-cache/src/semantic-cache.module.js';
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
  const keys = openKeyFile(join(folder, 'subject-keys.sqlite'));
  const cipher = createContentCipher(randomBytes(32).toString('hex'), keys);
  const id = randomUUID();
  // The answer's body comes in pieces.
  const both = (user) => {
    const salts = cipher.saltKey(contentSubjectOf(cipher, 'default', user)).saltsOf(id);
    commitment(salts.request, body);
    const answer = new RunningCommitment(salts.response);
    for (let at = 0; at < body.length; at += 512) answer.add(body.subarray(at, at + 512));
    answer.digest();
  };
  const measure = (user, rounds) => {
    for (let n = 0; n < rounds / 10; n += 1) both(user(n - rounds));
    const began = micros();
    for (let n = 0; n < rounds; n += 1) both(user(n));
    return (micros() - began) / rounds;
  };
  const gatewayUs = measure(() => '', 50_000);
  show('gateway: salts, commitments to 4 KB and to 8 pieces of 512', gatewayUs);
  show(
    '  the same for a known `user`',
    measure(() => 'ada', 50_000),
  );
  show(
    '  the same for a new `user` each time',
    measure((n) => `user ${n}`, 5_000),
  );
  keys.close();

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
  const began = micros();
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
