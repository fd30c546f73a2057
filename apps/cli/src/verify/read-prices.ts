import { parseLocatedYaml } from '#config/config.module.js';
import type { Problem } from '#config/domain/problem.js';
import { showProblem } from '#config/domain/problem.js';
import type { Receipt } from '#events/domain/receipt.js';
import { parsePriceFile } from '#pricing/domain/price-file.js';
import { parsePriceRecord, priceRecordText } from '#pricing/domain/price-record.js';
import { UsageError } from '../output.js';

/**
 * The texts of the price records of a file: the operator's list (`prices.yaml`), or records as they were published,
 * one JSON text a line.
 * @throws UsageError with all problems of the list.
 */
export function readPriceTexts(receipt: Receipt, file: string, text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > 0 && lines.every((line) => parsePriceRecord(line) !== null)) return lines;
  const problems: Problem[] = [];
  const { root, problems: found } = parseLocatedYaml(text, file);
  problems.push(...found);
  // The rate of the day stands on the receipt; the list needs none for a currency that is used there.
  const currencies = new Set(receipt.attempts.map(({ currency }) => currency));
  const records = root === null ? [] : parsePriceFile(root, 'file', currencies, { file, problems });
  if (problems.length > 0) throw new UsageError(problems.map(showProblem).join('\n'));
  return records.map(priceRecordText);
}
