import { describe, expect, it } from 'vitest';
import { checkHistory, type ClientEntry, type History, type ReceiptEntry, type StepEntry } from './history-checker.js';

const COUNT = 500;
const steps = (receiptId: string, attempts: number): StepEntry[] => [
  { receiptId, step: 'accepted', n: 0 },
  ...Array.from({ length: attempts }, (_, at): StepEntry => ({ receiptId, step: 'started', n: at + 1 })),
  ...Array.from({ length: attempts }, (_, at): StepEntry => ({ receiptId, step: 'finished', n: at + 1 })),
  { receiptId, step: 'completed', n: 0 },
  { receiptId, step: 'sealed', n: 0 },
];

/** 500 requests of two tenants: whole, failed, cut, retried, left, and some that died with the process. */
function honest(): {
  -readonly [K in keyof History]: Exclude<History[K], null> extends readonly (infer T)[] ? T[] : never;
} {
  const kinds = ['whole', 'whole', 'retried', 'failed', 'cut', 'left', 'died'] as const;
  const history = { clients: [], upstream: [], receipts: [], rows: [], steps: [] } as unknown as ReturnType<
    typeof honest
  >;
  history.printed = ['{"level":"info","msg":"gateway is ready"}\n', '{"level":"warn","key":"[redacted]"}\n'];
  history.secrets = ['nm_0123456789abcdef', 'admin-0123456789abcdef'];
  for (let at = 0; at < COUNT; at += 1) {
    const kind = kinds[at % kinds.length] ?? 'whole';
    const [id, receiptId, tenantId] = [`q_${at}`, `receipt-${at}`, at % 2 === 0 ? 'north' : 'south'];
    const calls = kind === 'retried' ? 2 : 1;
    const attempts = Array.from({ length: calls }, (_, n) => ({
      n: n + 1,
      billed: kind === 'failed' || n + 1 < calls ? ('no' as const) : ('yes' as const),
      costPicoUsd: kind === 'died' ? null : '2500000000',
    }));
    const status = {
      whole: 'ok',
      retried: 'ok',
      failed: 'provider_error',
      cut: 'truncated',
      left: 'aborted',
      died: 'unknown',
    }[kind];
    const costPicoUsd = kind === 'died' ? null : kind === 'failed' ? '0' : '2500000000';
    const whole = status === 'ok';
    history.clients.push({
      id,
      tenantId,
      outcome: whole ? 'whole' : kind === 'left' || kind === 'died' ? 'gone' : 'error',
      receiptId: kind === 'died' ? null : receiptId,
      text: whole ? `echo ${id}` : null,
      silentEnd: false,
    });
    history.upstream.push({ id, calls });
    history.receipts.push({
      receiptId,
      id,
      tenantId,
      status,
      streamComplete: kind === 'cut' ? false : null,
      costPicoUsd,
      attempts,
    });
    history.rows.push({ receiptId, status, tenantId, costPicoUsd, attempts: attempts.length });
    history.steps.push(
      ...steps(receiptId, attempts.length).filter(({ step }) => kind !== 'died' || step !== 'completed'),
    );
  }
  return history;
}

type Draft = ReturnType<typeof honest>;
const WHOLE = 84;
const RETRIED = 86;
const FAILED = 87;
const CUT = 88;
const LEFT = 89;
const DIED = 90;
const client = (draft: Draft, at: number, change: Partial<ClientEntry>): void => {
  draft.clients[at] = { ...(draft.clients[at] as ClientEntry), ...change };
};
const receipt = (draft: Draft, at: number, change: Partial<ReceiptEntry>): void => {
  draft.receipts[at] = { ...(draft.receipts[at] as ReceiptEntry), ...change };
};

/** One planted mistake each: what a bug would leave behind in the three logs. */
const MUTANTS: readonly (readonly [mistake: string, invariant: string, plant: (draft: Draft) => void])[] = [
  ['one receipt in 500 is lost', 'I1', (draft) => void draft.receipts.splice(WHOLE, 1)],
  ['a request that died with the process is not recovered', 'I1', (draft) => void draft.receipts.splice(DIED, 1)],
  [
    'a receipt is sealed twice',
    'I1',
    (draft) => void draft.receipts.push({ ...(draft.receipts[WHOLE] as ReceiptEntry) }),
  ],
  [
    'a request gets two receipts',
    'I1',
    (draft) => void draft.receipts.push({ ...(draft.receipts[WHOLE] as ReceiptEntry), receiptId: 'other' }),
  ],
  [
    'an answer went out before its receipt was written',
    'I1',
    (draft) => client(draft, WHOLE, { receiptId: 'never-written' }),
  ],
  [
    'an accepted request is never sealed',
    'I1',
    (draft) =>
      void (draft.steps = draft.steps.filter(
        ({ receiptId, step }) => receiptId !== `receipt-${FAILED}` || step !== 'sealed',
      )),
  ],
  ['the tables miss a receipt', 'I2', (draft) => void draft.rows.splice(CUT, 1)],
  [
    'the tables hold an older state',
    'I2',
    (draft) => void (draft.rows[LEFT] = { ...draft.rows[LEFT]!, status: 'unknown' }),
  ],
  ['a batch is inserted twice', 'I3', (draft) => void draft.rows.push(draft.rows[RETRIED]!)],
  [
    'the tables hold what was never sealed',
    'I3',
    (draft) => void draft.rows.push({ ...draft.rows[WHOLE]!, receiptId: 'ghost' }),
  ],
  ['a cost is off by one', 'I4', (draft) => receipt(draft, WHOLE, { costPicoUsd: '2500000001' })],
  [
    'the tables round a cost',
    'I4',
    (draft) => void (draft.rows[WHOLE] = { ...draft.rows[WHOLE]!, costPicoUsd: '2500000001' }),
  ],
  ['an unpriced attempt counts as free', 'I4', (draft) => receipt(draft, DIED, { costPicoUsd: '0' })],
  ['a retry is not on the receipt', 'I4', (draft) => void (draft.upstream[WHOLE] = { id: `q_${WHOLE}`, calls: 2 })],
  ['a client’s mistake is retried', 'I4', (draft) => void (draft.upstream[FAILED] = { id: `q_${FAILED}`, calls: 3 })],
  ['a call went out without its intent', 'I4', (draft) => receipt(draft, DIED, { attempts: [], costPicoUsd: '0' })],
  ['a cached answer counts as a call', 'I4', (draft) => void draft.upstream.splice(WHOLE, 1)],
  [
    'an attempt finishes that never started',
    'I6',
    (draft) => void draft.steps.push({ receiptId: `receipt-${WHOLE}`, step: 'finished', n: 2 }),
  ],
  [
    'an intent is skipped',
    'I6',
    (draft) =>
      void (draft.steps = draft.steps.filter(
        ({ receiptId, step, n }) => receiptId !== `receipt-${RETRIED}` || step !== 'started' || n !== 1,
      )),
  ],
  [
    'attempts start out of order',
    'I6',
    (draft) => void draft.steps.push({ receiptId: `receipt-${WHOLE}`, step: 'started', n: 3 }),
  ],
  [
    'a request is accepted twice',
    'I6',
    (draft) => void draft.steps.push({ receiptId: `receipt-${WHOLE}`, step: 'accepted', n: 0 }),
  ],
  ['a receipt is in another tenant’s name', 'I8', (draft) => receipt(draft, WHOLE, { tenantId: 'elsewhere' })],
  ['the cache answers with another’s answer', 'I8', (draft) => client(draft, WHOLE, { text: `echo q_${WHOLE + 1}` })],
  ['a caller is shown another’s receipt', 'I8', (draft) => client(draft, WHOLE, { receiptId: `receipt-${WHOLE + 1}` })],
  [
    'the tables file it under another tenant',
    'I8',
    (draft) => void (draft.rows[WHOLE] = { ...draft.rows[WHOLE]!, tenantId: 'elsewhere' }),
  ],
  [
    'who was refused has reached the provider',
    'I1',
    (draft) => {
      client(draft, WHOLE, { outcome: 'refused', receiptId: null, text: null });
      draft.receipts.splice(WHOLE, 1);
    },
  ],
  [
    'who was refused has a receipt that says otherwise',
    'I9',
    (draft) => client(draft, WHOLE, { outcome: 'refused', receiptId: null, text: null }),
  ],
  ['the error frame is swallowed', 'I9', (draft) => client(draft, CUT, { outcome: 'error', silentEnd: true })],
  ['a cut stream is told as whole', 'I9', (draft) => client(draft, CUT, { outcome: 'whole', text: `echo q_${CUT}` })],
  ['a whole answer is told as an error', 'I9', (draft) => client(draft, WHOLE, { outcome: 'error' })],
  [
    'a key is in one line that was printed',
    'I12',
    (draft) => void draft.printed.push('{"msg":"admin-0123456789abcdef is wrong"}'),
  ],
  ['a failure is sealed as a success', 'I9', (draft) => receipt(draft, FAILED, { status: 'ok' })],
];

describe('the history checker', () => {
  it('has nothing to say about an honest history', () => {
    expect(checkHistory(honest())).toEqual([]);
  });

  it('has nothing to say about who was refused, was not called for and has no receipt', () => {
    const history = honest();
    const [id, tenantId] = ['q_refused', 'north'];

    history.clients.push({ id, tenantId, outcome: 'refused', receiptId: null, text: null, silentEnd: false });

    expect(checkHistory(history)).toEqual([]);
  });

  it.each(MUTANTS)('notices that %s (%s)', (_mistake, invariant, plant) => {
    const draft = honest();

    plant(draft);

    expect(checkHistory(draft).map((violation) => violation.invariant)).toContain(invariant);
  });

  it('does not need the tables', () => {
    expect(checkHistory({ ...honest(), rows: null })).toEqual([]);
  });
});
