// node --conditions=nextmodel-source tools/generate-receipts/generate.mjs [count] [seed] [days] > receipts.ndjson
// Realistic receipts, one JSON line each, the same for the same arguments and day.
import '../typescript-hooks.mjs';

const { generateReceipts } = await import('../../libs/receipts/src/__fixtures__/generated-receipts.ts');
const [count = 1000, seed = 1, days = 30] = process.argv.slice(2).map(Number);
const endMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
let lines = '';
for (const receipt of generateReceipts({ count, seed, days, endMs })) {
  lines += `${JSON.stringify(receipt)}\n`;
  if (lines.length < 1_000_000) continue;
  if (!process.stdout.write(lines)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  lines = '';
}
process.stdout.write(lines);
