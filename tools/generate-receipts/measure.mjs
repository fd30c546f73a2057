// node --conditions=nextmodel-source tools/generate-receipts/measure.mjs [count] [batch]
// Ingest rate into the embedded engine through the client, then every audit over the result as the read-only user.
import './typescript-hooks.mjs';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { generateReceipts } = await import('../../libs/receipts/src/__fixtures__/generated-receipts.ts');
const { openClickhouseStore, readAudits, startSqlEngine } = await import('../../libs/receipts/src/receipts.module.ts');
const { runAudit } = await import('../../libs/receipts/src/usecases/run-audit.ts');

const [count = 1_000_000, size = 5_000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'measure-receipts-'));
const ms = (from) => Math.round(performance.now() - from);
const started = performance.now();
const engine = await startSqlEngine({
  dataDir: join(folder, 'clickhouse'),
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
});
await engine.ready;
console.log(`engine ready after ${ms(started)} ms`);
const store = openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write' });
const reader = openClickhouseStore({ url: engine.url, username: 'audit', password: 'look' });
try {
  await store.migrate();
  let insertMs = 0;
  let offset = 0;
  let batch = [];
  const flush = async () => {
    const first = offset - batch.length;
    const from = performance.now();
    await store.insert({
      partition: 0,
      firstOffset: BigInt(first),
      lastOffset: BigInt(offset - 1),
      adjustments: [],
      receipts: batch.map((receipt, i) => ({
        receipt,
        place: { logId: 'nextmodel.receipts/0', partition: 0, offset: BigInt(first + i) },
      })),
    });
    insertMs += performance.now() - from;
    batch = [];
  };
  for (const receipt of generateReceipts({ seed: 1, count, endMs: Date.now(), days: 30 })) {
    batch.push(receipt);
    offset += 1;
    if (batch.length === size) await flush();
  }
  if (batch.length > 0) await flush();
  console.log(
    `${count} receipts in batches of ${size}: ${Math.round(insertMs)} ms, ${Math.round((count / insertMs) * 1000)} receipts/s`,
  );
  const sizes = await store.query(
    `SELECT table, sum(rows), count() AS parts, round(sum(bytes_on_disk) / ${count}, 1) AS bytes_per_receipt
     FROM system.parts WHERE active AND database = 'nextmodel' GROUP BY table ORDER BY table`,
    {},
  );
  for (const row of sizes.rows) console.log(row.join('\t'));
  console.log(
    `engine RSS ${execFileSync('ps', ['-o', 'rss=', '-p', String(engine.pid)])
      .toString()
      .trim()} kB`,
  );
  for (const audit of readAudits()) {
    const times = [];
    let rows = 0;
    for (let i = 0; i < 3; i += 1) {
      const from = performance.now();
      rows = (await runAudit(reader, [audit], audit.name)).rows.length;
      times.push(ms(from));
    }
    console.log(
      `${audit.name.padEnd(24)} ${String(Math.min(...times)).padStart(6)} ms  (${times.join(', ')})  ${rows} rows`,
    );
  }
  const from = performance.now();
  console.log(await store.sums(), `${ms(from)} ms`);
} finally {
  await store.close();
  await reader.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}
