import { element, table } from './elements.js';
import { usd } from './show-result.js';

/** Sums over receipts of today (UTC), as `GET /v1/receipts` lists them. Exact: picodollars as integers. */
export function summarise(receipts, today) {
  const own = receipts.filter(({ accepted_at: at }) => String(at).startsWith(today));
  const models = new Map();
  for (const receipt of own) {
    const name = receipt.served_model ?? (isHit(receipt) ? 'answered from the cache' : 'not served');
    const sum = models.get(name) ?? { requests: 0, pico: 0n, unpriced: 0 };
    sum.requests += 1;
    if (receipt.cost_pico_usd === null) sum.unpriced += 1;
    else sum.pico += BigInt(receipt.cost_pico_usd);
    models.set(name, sum);
  }
  const total = (name) => own.reduce((sum, receipt) => sum + BigInt(receipt[name] ?? 0), 0n).toString();
  return {
    receipts: own,
    models: [...models].sort(([, a], [, b]) => (a.pico < b.pico ? 1 : -1)),
    spentPico: total('cost_pico_usd'),
    savedPico: total('avoided_pico_usd'),
    hits: own.filter(isHit).length,
    failovers: own.filter(({ attempts }) => attempts.length > 1).length,
    failed: own.filter(({ status }) => status !== 'ok').length,
    unpriced: own.filter((receipt) => receipt.cost_pico_usd === null).length,
  };
}

const isHit = ({ cache }) => cache.result === 'exact' || cache.result === 'semantic';

export function showOverview(sum, onCheck) {
  const figures = [
    ['Requests', String(sum.receipts.length)],
    ['Spent', usd(sum.spentPico)],
    ['Without a price', String(sum.unpriced)],
    ['Cache hits', String(sum.hits)],
    ['Saved by them', usd(sum.savedPico)],
    ['Failovers, retries', String(sum.failovers)],
    ['Not served', String(sum.failed)],
  ];
  return element(
    'div',
    '',
    element(
      'dl',
      'figures',
      ...figures.map(([name, value]) => element('div', '', element('dt', '', name), element('dd', '', value))),
    ),
    table(
      'Spend by model',
      [
        { label: 'Model' },
        { label: 'Requests', number: true },
        { label: 'Unpriced', number: true },
        { label: 'Spent', number: true },
      ],
      sum.models.map(([name, { requests, unpriced, pico }]) => [
        name,
        String(requests),
        String(unpriced),
        usd(pico.toString()),
      ]),
    ),
    table(
      'Latest receipts',
      [
        { label: 'Time' },
        { label: 'Asked for' },
        { label: 'Served by' },
        { label: 'Status' },
        { label: 'Cost', number: true },
        { label: '' },
      ],
      sum.receipts.map((receipt) => [
        receipt.accepted_at.slice(11, 19),
        receipt.requested_model,
        receipt.served_model ?? (isHit(receipt) ? 'cache' : null),
        receipt.status,
        usd(receipt.cost_pico_usd),
        checkButton(receipt.id, onCheck),
      ]),
    ),
  );
}

function checkButton(id, onCheck) {
  const button = element('button', { type: 'button', class: 'quiet', title: `Check ${id}` }, 'check');
  button.addEventListener('click', () => onCheck(id));
  return button;
}
