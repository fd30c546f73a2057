import { showProblem, type Problem } from '#config/domain/problem.js';
import type { Settings } from '#config/domain/settings.js';
import type { AttemptLine, PricedAttempt } from '#events/domain/attempt.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { loadPriceBook } from '#pricing/pricing.module.js';
import type { PriceBook, PriceQuestion } from '#pricing/ports/price-book.js';

const LIMITS = { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/**
 * The price book as a gateway has it: files, then what was published, then the catalogue.
 * @throws RouterError `configuration` that lists all problems of the files.
 */
export async function openPrices(settings: Settings, reader: EventLogReader): Promise<PriceBook> {
  const book = loadBook(settings.prices.files);
  for await (const event of controlEvents(reader)) book.apply(event);
  return book;
}

/** All events of the control topic that can be read. */
export async function* controlEvents(reader: EventLogReader): AsyncGenerator<RouterEvent> {
  for (const partition of await reader.partitions(TOPICS.control)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.control, partition, offset }, LIMITS);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (decoded.ok) yield decoded.event;
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
}

export interface PriceDesk {
  priceAgain(receipt: Receipt, attempt: AttemptLine): PricedAttempt;
  recordText(priceHash: string): string | null;
}

/**
 * Prices old attempts at the time of their request.
 * @param book the present prices.
 * @param file a list that goes before them, as with `--prices`; `null` = none.
 */
export function priceDesk(settings: Settings, book: PriceBook, file: string | null): PriceDesk {
  const given = file === null ? null : loadBook([file]);
  return {
    priceAgain: (receipt, attempt) => {
      const question = questionOf(settings, receipt, attempt);
      const first = given?.price(question);
      return first?.priceId?.startsWith('file:') === true ? first : book.price(question);
    },
    recordText: (hash) => given?.recordText(hash) ?? book.recordText(hash),
  };
}

export function questionOf(settings: Settings, receipt: Receipt, attempt: AttemptLine): PriceQuestion {
  return {
    provider: attempt.provider,
    providerKind: settings.providers[attempt.provider]?.kind ?? '',
    model: attempt.model,
    tenantId: receipt.tenantId,
    atMs: Date.parse(receipt.acceptedAt),
    meters: attempt.meters,
    serviceTier: attempt.serviceTier,
    usageSource: attempt.usageSource,
    billed: attempt.billed,
    providerCostPicoUsd: attempt.providerCostPicoUsd,
  };
}

function loadBook(files: readonly string[]): PriceBook {
  const loaded = loadPriceBook({ files, nowMs: Date.now() });
  if (!loaded.ok) throw priceProblems(loaded.problems);
  return loaded.book;
}

export function priceProblems(problems: readonly Problem[]): RouterError {
  return new RouterError({
    code: 'configuration',
    publicMessage: 'The price file has problems.',
    detail: [
      `${problems.length} problem${problems.length === 1 ? '' : 's'}:`,
      ...problems.map((problem) => `  ${showProblem(problem)}`),
    ].join('\n'),
  });
}
