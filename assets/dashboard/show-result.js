import { verdictOf } from './modules/apps/gateway/src/dashboard/verify/verdict.js';
import { picoToDecimal } from './modules/libs/events/src/domain/money.js';
import { element, foreign, table } from './elements.js';

const STATES = { ok: '✓ fits', wrong: '✗ wrong', unknown: '? open' };
const NAMES = {
  proof: 'proof file',
  key: 'public key',
  checkpoint: 'signature',
  log: 'log',
  inclusion: 'place in log',
  receipt: 'receipt',
  fields: 'fields',
  sums: 'sums',
  cost: 'cost',
  price: 'price',
  sql: 'SQL rows',
  body: 'bodies',
  consistency: 'history',
};

/** Decimal dollars of picodollar text; what is no integer is shown as it is. */
export function usd(pico) {
  if (pico === null || pico === undefined) return 'unpriced';
  return /^-?\d+$/.test(pico) ? `$${picoToDecimal(BigInt(pico))}` : String(pico);
}

/** Verdict first, then every check in the order it was made. */
export function showResult({ findings, receiptId }) {
  const { verified, sentence, advice } = verdictOf(findings, receiptId);
  const keyIsOpen = findings.some(({ what, state }) => what === 'key' && state === 'unknown');
  const sound = keyIsOpen ? '✓ Sound, if the key is the one you know' : '✓ The receipt is genuine';
  const heading = verified ? sound : '✗ Something was changed';
  // Fields and prices first: a hash that differs says nothing to most people.
  const faults = findings
    .filter(({ state }) => state === 'wrong')
    .sort((a, b) => Number(a.what === 'inclusion') - Number(b.what === 'inclusion'));
  const causes = element('ul', '', ...faults.map(({ detail }) => element('li', '', foreign(detail))));
  return element(
    'div',
    '',
    element(
      'div',
      `verdict ${verified ? 'good' : 'bad'}`,
      element('h2', '', heading),
      element('p', '', foreign(`${sentence}.`)),
      advice === '' ? null : element('p', '', advice),
      faults.length === 0 ? null : causes,
    ),
    element(
      'ul',
      { class: 'findings', 'aria-label': 'Checks' },
      ...findings.map(({ what, state, detail }) =>
        element(
          'li',
          '',
          element('span', `state ${state}`, STATES[state]),
          element('span', 'what', NAMES[what] ?? what),
          element('span', 'detail', foreign(detail)),
        ),
      ),
    ),
  );
}

/** What the receipt says, for reading beside the checks. */
export function showReceipt(receipt) {
  const lists = (value) => (Array.isArray(value) ? value : []);
  const attempts = lists(receipt.attempts);
  const lines = attempts.flatMap((attempt) =>
    lists(attempt?.lines).map((line) => [
      String(attempt.n),
      line?.meter,
      String(line?.quantity),
      String(line?.ratePico),
      String(line?.amountPico),
      attempt.currency,
    ]),
  );
  return element(
    'div',
    '',
    table(
      'What the receipt says',
      [{ label: 'Field' }, { label: 'Value' }],
      [
        ['Tenant, project, key', `${receipt.tenantId} / ${receipt.projectId} / ${receipt.apiKeyId}`],
        ['Accepted', receipt.acceptedAt],
        ['Asked for', receipt.requestedModel],
        ['Served by', receipt.servedModel === null ? 'no provider' : `${receipt.provider} / ${receipt.servedModel}`],
        ['Status', `${receipt.status} (HTTP ${receipt.httpStatus})`],
        ['Cache', receipt.cache?.result],
        ['Cost', `${usd(receipt.costPicoUsd)} (${receipt.costStatus})`],
        ['Tags', JSON.stringify(receipt.tags)],
      ],
    ),
    table(
      'Attempts',
      [
        { label: 'No.' },
        { label: 'Provider' },
        { label: 'Model' },
        { label: 'Outcome' },
        { label: 'Billed' },
        { label: 'Cost', number: true },
      ],
      attempts.map((attempt) => [
        String(attempt?.n),
        attempt?.provider,
        attempt?.model,
        `${attempt?.status}${attempt?.errorCode === null ? '' : `, ${attempt?.errorCode}`}`,
        attempt?.billed,
        usd(attempt?.costPicoUsd),
      ]),
    ),
    lines.length === 0
      ? null
      : table(
          'Priced lines, in 10⁻¹² of the currency',
          [
            { label: 'Attempt' },
            { label: 'Meter' },
            { label: 'Quantity', number: true },
            { label: 'Rate', number: true },
            { label: 'Amount', number: true },
            { label: 'Currency' },
          ],
          lines,
        ),
  );
}
