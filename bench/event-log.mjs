// What the segment log costs: events of 1.2 KB, durable and handed to the operating system. Needs `npm run build`.
//   node bench/event-log.mjs [seconds per row, default 2]
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openSegmentReader, openSegmentWriter } from '#event-log/event-log.module.js';

const SECONDS = Number(process.argv[2] ?? 2);
const TOPIC = 'nextmodel.receipts';
const KEY = '0190a6c1-7a2b-7c3d-8e4f-1234567890ab';
const RECORD = {
  topic: TOPIC,
  key: KEY,
  value: JSON.stringify({ receiptId: KEY, text: 'x'.repeat(1130) }),
  headers: {
    ce_id: `${KEY}/sealed`,
    ce_type: 'nextmodel.receipt.sealed.v1',
    ce_source: 'nextmodel/gateway',
    ce_time: '2026-11-24T10:00:00.000Z',
    ce_schemaversion: '1',
  },
};

const cpuMicros = (since) => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

async function write(directory, durability, appenders, perAppend) {
  const writer = await openSegmentWriter({ directory, partition: 0, durability });
  const records = Array.from({ length: perAppend }, () => RECORD);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const acks = [];
  const started = performance.now();
  const cpu = process.cpuUsage();
  delay.enable();
  const appendUntilOver = async () => {
    while (performance.now() < started + SECONDS * 1000) {
      const asked = performance.now();
      await writer.append(records)[durability === 'strict' ? 'durable' : 'written'];
      acks.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: appenders }, appendUntilOver));
  const events = acks.length * perAppend;
  acks.sort((a, b) => a - b);
  const row = {
    'events/s': Math.round(events / ((performance.now() - started) / 1000)),
    'CPU µs/event': +(cpuMicros(cpu) / events).toFixed(2),
    'ack ms p50': +acks[acks.length >> 1].toFixed(2),
    'ack ms p99': +acks[Math.floor(acks.length * 0.99)].toFixed(2),
    'event loop ms p99': +(delay.percentile(99) / 1e6).toFixed(1),
  };
  await writer.close();
  return row;
}

async function read(directory) {
  const reader = openSegmentReader({ directory });
  const started = performance.now();
  const cpu = process.cpuUsage();
  let events = 0;
  for (let offset = 0n; ;) {
    const limits = { recordsMax: 5000, bytesMax: 8_000_000, waitMs: 0 };
    const batch = await reader.read({ topic: TOPIC, partition: 0, offset }, limits);
    if (batch.records.length === 0) break;
    events += batch.records.length;
    offset = batch.nextOffset;
  }
  await reader.close();
  return {
    'events/s': Math.round(events / ((performance.now() - started) / 1000)),
    'CPU µs/event': +(cpuMicros(cpu) / events).toFixed(2),
  };
}

const rows = {};
for (const [durability, appenders, perAppend] of [
  ['strict', 64, 1],
  ['strict', 512, 1],
  ['strict', 64, 5],
  ['fast', 64, 1],
]) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'event-log-bench-'));
  const name = `${durability}, ${appenders} appenders × ${perAppend}`;
  rows[name] = await write(directory, durability, appenders, perAppend);
  if (perAppend === 5) rows['read from the start'] = await read(directory);
  fs.rmSync(directory, { recursive: true, force: true });
}
console.table(rows);
