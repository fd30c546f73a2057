import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseLocatedYaml } from '#config/config.module.js';
import type { Problem } from '#config/domain/problem.js';
import { loadCatalogue } from './adapters/catalogue/load-catalogue.js';
import { parsePriceFile } from './domain/price-file.js';
import { priceRecordText, type PriceRecord } from './domain/price-record.js';
import type { PriceBook } from './ports/price-book.js';
import { createPriceList, PUBLISHED } from './usecases/price-list.js';

const FX_OLD_DAYS = 90;
const DAY_MS = 86_400_000;

export interface PriceBookSource {
  /** Absolute paths of the operator's own lists; they win over published prices and the catalogue. */
  readonly files: readonly string[];
  readonly nowMs: number;
}
export type LoadedPriceBook =
  | {
      readonly ok: true;
      readonly book: PriceBook;
      /** Worth a warning in the log: exchange rates older than 90 days. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the catalogue and the operator's lists. Never throws for what is in them: all problems come together. */
export function loadPriceBook({ files, nowMs }: PriceBookSource): LoadedPriceBook {
  const catalogue = loadCatalogue();
  const currencies = new Set(Object.keys(catalogue.fx));
  const problems: Problem[] = [];
  const own: PriceRecord[] = [];
  for (const file of files) {
    const root = readList(file, problems);
    if (root !== null) own.push(...parsePriceFile(root, 'file', currencies, { file, problems }));
  }
  if (problems.length > 0) return { ok: false, problems };
  const notes = Object.entries(catalogue.fx).flatMap(([currency, days]) => {
    const date = days.at(-1)?.date ?? '';
    const old = nowMs - Date.parse(date) > FX_OLD_DAYS * DAY_MS;
    return old ? [`the exchange rate of ${currency} is of ${date}; give fx_usd_per_unit in your own list`] : [];
  });
  return { ok: true, book: createPriceList({ own, catalogue, hash: sha256 }), notes };
}

/** A price record ready for the log. */
export interface PublishablePrice {
  readonly priceId: string;
  readonly priceHash: string;
  /** The exact text that was hashed. */
  readonly record: string;
}
export type CheckedPrices =
  | { readonly ok: true; readonly prices: readonly PublishablePrice[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a list of prices as records to publish (source `published`). All problems come together, with their place;
 * with any problem there is no record at all.
 */
export function checkPriceFile(file: string): CheckedPrices {
  const problems: Problem[] = [];
  const currencies = new Set(Object.keys(loadCatalogue().fx));
  const root = readList(file, problems);
  const records = root === null ? [] : parsePriceFile(root, PUBLISHED, currencies, { file, problems });
  if (problems.length === 0 && records.length === 0) {
    problems.push({ file, line: 0, path: '', message: 'holds no price' });
  }
  if (problems.length > 0) return { ok: false, problems };
  const prices = records.map((record) => {
    const text = priceRecordText(record);
    return { priceId: record.priceId, priceHash: sha256(text), record: text };
  });
  return { ok: true, prices };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function readList(file: string, problems: Problem[]): ReturnType<typeof parseLocatedYaml>['root'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    problems.push({ file, line: 0, path: '', message: `cannot be read (${code})` });
    return null;
  }
  const { root, problems: found } = parseLocatedYaml(text, file);
  problems.push(...found);
  return root;
}
