import { picoToDecimal } from '#events/domain/money.js';
import { RouterError } from '#events/domain/router-error.js';
import { createOpenRouterGenerations } from '#receipts/receipts.module.js';
import type { GenerationDrift } from '#receipts/domain/generation-drift.js';
import type { GenerationSource } from '#receipts/ports/generation-source.js';
import { reconcileGenerations } from '#receipts/usecases/reconcile-generations.js';
import type { Settings } from '#config/domain/settings.js';
import { openEventDesk, openEvents, type EventDesk } from './event-desk.js';
import { EXIT, formatTable } from './output.js';
import { readPeriod } from './period.js';

const BASE_URL = 'https://openrouter.ai/api/v1';

/** `nextmodel reconcile --generations`: every call of a period against OpenRouter's own books. */
export async function reconcileWithBooks(
  settings: Settings,
  period: { readonly from: string; readonly to: string | undefined; readonly tenant: string | undefined },
  adjust: boolean,
): Promise<number> {
  const { from, to, tenant } = period;
  const window = { ...readPeriod(from, to, Date.now()), ...(tenant === undefined ? {} : { tenantId: tenant }) };
  const books = booksOf(settings);
  const reader = await openEvents(settings);
  let desk: EventDesk | null = null;
  try {
    desk = adjust ? await openEventDesk(settings) : null;
    const appending = desk;
    const { drifts, corrected } = await reconcileGenerations({
      reader,
      window,
      books,
      adjustedAt: new Date().toISOString(),
      ...(appending === null ? {} : { append: (adjustments) => appending.adjust(adjustments) }),
    });
    process.stdout.write(`${showDrifts(drifts)}\n`);
    process.stdout.write(`${corrected} receipts ${adjust ? 'were' : 'could be'} corrected by late usage.\n`);
    const open = drifts.filter(({ cause }) => !['none', 'rounding', ...(adjust ? ['late_usage'] : [])].includes(cause));
    return open.length === 0 ? EXIT.ok : EXIT.wrong;
  } finally {
    await desk?.close();
    await reader.close();
  }
}

function booksOf({ providers }: Settings): ReadonlyMap<string, GenerationSource> {
  const books = new Map<string, GenerationSource>();
  for (const [name, { kind, baseUrl, apiKeys }] of Object.entries(providers)) {
    if (kind !== 'openrouter') continue;
    books.set(name, createOpenRouterGenerations({ baseUrl: baseUrl ?? BASE_URL, apiKey: apiKeys[0] ?? '' }));
  }
  if (books.size > 0) return books;
  throw new RouterError({ code: 'configuration', publicMessage: 'No provider of kind "openrouter" is configured.' });
}

/** Calls of one model, day and cause in one row. */
function showDrifts(drifts: readonly GenerationDrift[]): string {
  const sums = new Map<string, { readonly of: GenerationDrift; calls: number; ours: bigint; theirs: bigint }>();
  for (const drift of drifts) {
    const key = JSON.stringify([drift.day, drift.provider, drift.model, drift.cause]);
    const sum = sums.get(key) ?? { of: drift, calls: 0, ours: 0n, theirs: 0n };
    sums.set(key, sum);
    sum.calls += 1;
    sum.ours += drift.ours ?? 0n;
    sum.theirs += drift.theirs ?? 0n;
  }
  const rows = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { of, calls, ours, theirs }]) => [
      of.day,
      of.provider,
      of.model,
      calls,
      picoToDecimal(theirs),
      picoToDecimal(ours),
      picoToDecimal(ours - theirs),
      of.cause === 'none' ? '' : of.cause,
    ]);
  return formatTable(['day', 'provider', 'model', 'calls', 'their_usd', 'our_usd', 'drift_usd', 'cause'], rows);
}
