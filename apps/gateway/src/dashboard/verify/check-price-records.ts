import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { priceRecordText, type PriceRecord } from '#pricing/domain/price-record.js';
import { priceUsage } from '#pricing/domain/price-usage.js';
import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';
import { toHex, type Digest } from '#transparency/domain/tree-hash.js';

const encoder = new TextEncoder();

/** Prices each attempt again by the records that its receipt names by their hashes. */
export function checkPriceRecords(
  receipt: Receipt,
  records: readonly PriceRecord[],
  digest: Digest,
): readonly Finding[] {
  const hashed = records.map((record): HashedRecord => ({
    record,
    hash: toHex(digest(encoder.encode(priceRecordText(record)))),
  }));
  return receipt.attempts.flatMap((attempt, n) =>
    attempt.priceHash === null ? [] : [checkAttempt(attempt, `attempts[${n}]`, hashed)],
  );
}

interface HashedRecord {
  readonly record: PriceRecord;
  readonly hash: string;
}

function checkAttempt(attempt: AttemptLine, path: string, records: readonly HashedRecord[]): Finding {
  const found = records.find(({ hash }) => hash === attempt.priceHash);
  if (found === undefined) {
    const renamed = records.find(({ record }) => record.priceId === attempt.priceId);
    if (renamed === undefined) return unknown('price', `${path}: no price ${attempt.priceId ?? ''} was given`);
    return wrong(
      'price',
      `${path}.priceHash is ${attempt.priceHash ?? ''}, but price ${renamed.record.priceId} as given has ${renamed.hash}: ${changedRates(attempt, renamed.record)}`,
    );
  }
  const { record } = found;
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
  const differing = again.lines.findIndex((line, n) => showLine(line) !== showLine(attempt.lines[n]));
  if (differing >= 0 || again.lines.length !== attempt.lines.length) {
    const n = differing >= 0 ? differing : again.lines.length;
    const [ours, theirs] = [showLine(again.lines[n]), showLine(attempt.lines[n])];
    return wrong('price', `${path}.lines[${n}] charges ${theirs}, but price ${record.priceId} makes ${ours}`);
  }
  if (again.costPicoUsd !== attempt.costPicoUsd) {
    return wrong(
      'price',
      `${path}.costPicoUsd is ${attempt.costPicoUsd ?? 'null'}, but price ${record.priceId} makes ${again.costPicoUsd ?? 'null'}`,
    );
  }
  return good(
    'price',
    `${path}: price ${record.priceId} (sha256 ${attempt.priceHash ?? ''}) makes the same ${again.costPicoUsd ?? 'null'}`,
  );
}

function showLine(line: AttemptLine['lines'][number] | undefined): string {
  return line === undefined ? 'nothing' : `${line.quantity} ${line.meter} × ${line.ratePico} = ${line.amountPico}`;
}

function changedRates(attempt: AttemptLine, record: PriceRecord): string {
  const rates = new Map(Object.entries(record.rates));
  const changed = attempt.lines
    .filter(({ meter, ratePico }) => rates.get(meter) !== ratePico)
    .map(({ meter, ratePico }) => `${meter} was ${ratePico}, is ${rates.get(meter) ?? 'missing'}`);
  return changed.length === 0 ? 'the record was changed' : changed.join(', ');
}
