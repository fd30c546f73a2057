import type { Settings } from '#config/domain/settings.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import { picoToDecimal } from '#events/domain/money.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { loadBuiltinClassifier } from '#routing/routing.module.js';
import { scanReceipts } from '#receipts/usecases/scan-receipts.js';
import { openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { openPrices, priceDesk } from '../open-prices.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { readPeriod, type Period } from '../period.js';
import { createDecideAgain, type DecidedAgain } from './decide-again.js';
import { Tally } from './tally.js';

const USAGE =
  'usage: nextmodel replay --since <day> [--until <day>] [--policy <file>] [--prices <file>] [--strong-share <0..1>] [--tenant <id>]';
const LIMITS = { recordsMax: 2_000, bytesMax: 16 * 1024 * 1024, waitMs: 0 };
const NOTES = `Assumed: another model uses as many tokens; the first target of the new plan serves; headers are as the
rule that had matched saw them, else absent; the classifier abstains where it did.`;

/** `nextmodel replay --policy other.yaml --since …`: what a period would have cost, from events alone. Changes nothing. */
export async function replayPolicy(words: readonly string[]): Promise<number> {
  const { options, names } = readOptions(words, ['policy', 'prices', 'strong-share', 'since', 'until', 'tenant']);
  const { policy, prices: priceFile, since, until, tenant } = options;
  const share = options['strong-share'];
  const strongShare = share === undefined ? null : Number(share);
  const changesNothing = policy === undefined && priceFile === undefined && share === undefined;
  const badShare = strongShare !== null && !(strongShare >= 0 && strongShare <= 1);
  if (names.length > 0 || since === undefined || changesNothing || badShare) throw new UsageError(USAGE);
  const present = requireSettings();
  const other = withShare(policy === undefined ? present : requireSettings(policy), strongShare);
  const period = readPeriod(since, until, Date.now(), { from: 'since', to: 'until' });
  const reader = await openEvents(present);
  try {
    const desk = priceDesk(other, await openPrices(other, reader), priceFile ?? null);
    const decisions = await decideAll(reader, period, other);
    const tally = new Tally((receipt, attempt, provider, model) =>
      desk.priceAgain(receipt, { ...attempt, provider, model, billed: 'yes', providerCostPicoUsd: null }),
    );
    const window = { ...period, ...(tenant === undefined ? {} : { tenantId: tenant }) };
    for await (const { receipt } of scanReceipts(reader, window)) {
      tally.add(receipt, decisions.get(receipt.receiptId) ?? { kind: 'unknown', because: 'no_decision' });
    }
    process.stdout.write(`${headline(period, options)}\n${show(tally)}\n${NOTES}\n`);
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}

/** The decision of every request of the period, made again; only the outcome is kept in memory. */
async function decideAll(
  reader: EventLogReader,
  period: Period,
  settings: Settings,
): Promise<ReadonlyMap<string, DecidedAgain>> {
  const decideAgain = createDecideAgain(settings, loadBuiltinClassifier());
  const decisions = new Map<string, DecidedAgain>();
  for (const partition of await reader.partitions(TOPICS.requests)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.requests, partition, offset }, LIMITS);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (!decoded.ok || decoded.event.type !== 'nextmodel.request.accepted.v1') continue;
        const { data } = decoded.event;
        const atMs = Date.parse(data.acceptedAt);
        if (atMs >= period.fromMs && atMs < period.toMs) decisions.set(data.receiptId, decideAgain(data));
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
  return decisions;
}

const shownTime = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

function headline({ fromMs, toMs }: Period, options: Readonly<Record<string, string | undefined>>): string {
  const { policy, prices, tenant } = options;
  const share = options['strong-share'];
  const changed = [
    policy === undefined ? '' : `the policy of ${policy}`,
    prices === undefined ? '' : `the prices of ${prices}, else the present ones`,
    share === undefined ? '' : `strong_share ${share}`,
  ].filter((text) => text !== '');
  const whose = tenant === undefined ? 'all tenants' : `tenant ${tenant}`;
  return `${shownTime(fromMs)} to ${shownTime(toMs)} UTC, ${whose}: as it was, and with ${changed.join(', ')}.`;
}

function withShare(settings: Settings, strongShare: number | null): Settings {
  const { auto } = settings.routing;
  if (strongShare === null) return settings;
  if (auto === null) throw new UsageError('--strong-share needs routing.auto in the configuration');
  return { ...settings, routing: { ...settings.routing, auto: { ...auto, strongShare } } };
}

function show(tally: Tally): string {
  const rows = [...tally.rows.values()].sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
  const sum = { requests: 0, recorded: 0n, counterfactual: 0n, unpriced: 0 };
  for (const row of rows) {
    sum.requests += row.requests;
    sum.recorded += row.recorded;
    sum.counterfactual += row.counterfactual;
    sum.unpriced += row.unpriced;
  }
  const cells = [...rows, { from: 'total', to: '', ...sum }].map((row) => [
    row.from,
    row.to,
    row.requests,
    picoToDecimal(row.recorded),
    picoToDecimal(row.counterfactual),
    picoToDecimal(row.counterfactual - row.recorded),
    row.unpriced,
  ]);
  const heads = ['served_by', 'would_be', 'requests', 'recorded_usd', 'would_cost_usd', 'difference_usd', 'unpriced'];
  const left = [...tally.left].map(([why, count]) => `  ${count} ${why}`);
  if (rows.length === 0 && left.length === 0) return 'No request was made in this time.';
  return [formatTable(heads, cells), ...(left.length === 0 ? [] : ['Not compared:', ...left])].join('\n');
}
