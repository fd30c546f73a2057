import { hash } from 'node:crypto';
import { parseLocatedYaml } from '#config/config.module.js';
import type { Problem } from '#config/domain/problem.js';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { parsePriceFile } from '#pricing/domain/price-file.js';
import { parsePriceRecord, priceRecordText, type PriceRecord } from '#pricing/domain/price-record.js';
import { priceUsage } from '#pricing/domain/price-usage.js';
import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';

/**
 * Prices each attempt again by the records of a file: the operator's list (`prices.yaml`), or one record as it was
 * published (JSON). The receipt names the hash of the record that it was priced by.
 */
export function checkPrices(receipt: Receipt, file: string, text: string): readonly Finding[] {
  const published = parsePriceRecord(text.trim());
  const problems: Problem[] = [];
  const records = published === null ? readList(receipt, file, text, problems) : [published];
  if (problems.length > 0) {
    return problems.map(({ line, path, message }) => wrong('price', `${file}:${line} ${path}: ${message}`));
  }
  return receipt.attempts.flatMap((attempt, n) =>
    attempt.priceHash === null ? [] : [checkAttempt(attempt, `attempts[${n}]`, records)],
  );
}

function readList(receipt: Receipt, file: string, text: string, problems: Problem[]): readonly PriceRecord[] {
  const { root, problems: found } = parseLocatedYaml(text, file);
  problems.push(...found);
  // The rate of the day stands on the receipt; the list needs none for a currency that is used there.
  const currencies = new Set(receipt.attempts.map(({ currency }) => currency));
  return root === null ? [] : parsePriceFile(root, 'file', currencies, { file, problems });
}

function checkAttempt(attempt: AttemptLine, path: string, records: readonly PriceRecord[]): Finding {
  const record = records.find((each) => hashOf(each) === attempt.priceHash);
  if (record === undefined) {
    const renamed = records.find(({ priceId }) => priceId === attempt.priceId);
    if (renamed === undefined) return unknown('price', `${path}: the file has no price ${attempt.priceId ?? ''}`);
    return wrong(
      'price',
      `${path}.priceHash is ${attempt.priceHash ?? ''}, but price ${renamed.priceId} of the file has ${hashOf(renamed)}: ${changedRates(attempt, renamed)}`,
    );
  }
  if (attempt.lines.length === 0)
    return good('price', `${path}: price ${record.priceId} is the one, nothing was charged by it`);
  const again = priceUsage(
    record,
    attempt.priceHash ?? '',
    attempt.meters,
    attempt.serviceTier,
    attempt.costStatus === 'exact',
    { rateNano: BigInt(attempt.fxRateNano), date: attempt.fxDate },
  );
  const differing = again.lines.findIndex((line, n) => JSON.stringify(line) !== JSON.stringify(attempt.lines[n]));
  if (differing >= 0 || again.lines.length !== attempt.lines.length) {
    const n = Math.max(differing, 0);
    const [ours, theirs] = [again.lines[n], attempt.lines[n]].map((line) =>
      line === undefined ? 'nothing' : `${line.quantity} ${line.meter} × ${line.ratePico}`,
    );
    return wrong('price', `${path}.lines[${n}] charges ${theirs}, but price ${record.priceId} makes ${ours}`);
  }
  if (again.costPicoUsd !== attempt.costPicoUsd) {
    return wrong(
      'price',
      `${path}.costPicoUsd is ${attempt.costPicoUsd}, but price ${record.priceId} makes ${again.costPicoUsd}`,
    );
  }
  return good(
    'price',
    `${path}: price ${record.priceId} (sha256 ${attempt.priceHash}) makes the same ${again.costPicoUsd}`,
  );
}

function changedRates(attempt: AttemptLine, record: PriceRecord): string {
  const rates = new Map(Object.entries(record.rates));
  const changed = attempt.lines
    .filter(({ meter, ratePico }) => rates.get(meter) !== ratePico)
    .map(({ meter, ratePico }) => `${meter} was ${ratePico}, is ${rates.get(meter) ?? 'missing'}`);
  return changed.length === 0 ? 'the record was changed' : changed.join(', ');
}

const hashOf = (record: PriceRecord): string => hash('sha256', priceRecordText(record));
