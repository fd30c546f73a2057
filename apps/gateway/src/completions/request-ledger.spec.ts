import { describe, expect, it } from 'vitest';
import type { Obstacle } from '#dispatch/ports/dispatcher.js';
import { ManualClock } from '#events/adapters/manual/manual-clock.js';
import type { AttemptStarted } from '#events/domain/router-event.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Candidate, RoutePlan } from '#routing/domain/route-plan.js';
import type { LedgerParts } from './ledger-parts.js';
import type { RequestContext } from './request-context.js';
import { RequestLedger } from './request-ledger.js';

const RECEIPT = '01890000-0000-7000-8000-000000000001';
const ACCEPTED = 'nextmodel.request.accepted.v1';
const typeOf = ({ headers }: NewRecord): string | undefined => headers['ce_type'];
const at = '2026-01-01T00:00:00.000Z';
const target = (provider: string) => ({ provider, model: 'm' });
const candidate = (provider: string, rank: number): Candidate => ({
  ...target(provider),
  rank,
  reason: 'next',
  weight: null,
});
const plan = {
  targets: [target('a'), target('b'), target('c')],
  candidates: [candidate('a', 0), candidate('b', 1), candidate('c', 2)],
} as unknown as RoutePlan;
const intent = { kind: 'primary', ...target('b'), credentialId: 'b/1', startedAt: at } as const;

/** @param before what cannot be called when the cache asks. */
function open(before: readonly (Obstacle | null)[] | null = null) {
  const records: NewRecord[] = [];
  const parts = {
    log: {
      append: (more: readonly NewRecord[]) => {
        records.push(...more);
        return { written: Promise.resolve(), durable: Promise.resolve() };
      },
    },
    clock: new ManualClock(),
    environment: 'default',
    saltKey: () => ({ saltsOf: () => ({ keyId: 'k', request: new Uint8Array(16), response: new Uint8Array(16) }) }),
    obstacles: () => before,
    onOpened: () => undefined,
  } as unknown as LedgerParts;
  const context = {
    receiptId: RECEIPT,
    api: 'chat.completions',
    key: { tenantId: 't', projectId: 'p', keyId: 'k' },
    headers: () => undefined,
    body: null,
    rawBody: new Uint8Array(),
    acceptedMs: 0,
    tags: {},
  } as unknown as RequestContext;
  const ledger = new RequestLedger(parts, context);
  ledger.routed(plan);
  const decided = (): readonly (readonly [string, number | null, string])[] => {
    const accepted = records.find((record) => typeOf(record) === ACCEPTED);
    const { decision } = JSON.parse(String(accepted?.value)) as { decision: RoutePlan };
    return decision.candidates.map(({ provider, rank, reason }) => [provider, rank, reason]);
  };
  return { ledger, records, decided };
}
const started = (n: number): AttemptStarted => ({ receiptId: RECEIPT as AttemptStarted['receiptId'], n, ...intent });

describe('the decision on the record', () => {
  it('has what could not be called when the request was dispatched, before any intent', async () => {
    const { ledger, records, decided } = open();

    ledger.cutOff(['breaker_open', null, 'rate_limited']);
    await ledger.started(started(1));

    expect(records.map(typeOf)).toEqual(['nextmodel.request.accepted.v1', 'nextmodel.attempt.started.v1']);
    expect(decided()).toEqual([
      ['a', null, 'excluded:breaker_open'],
      ['b', 0, 'next'],
      ['c', null, 'excluded:rate_limited'],
    ]);
  });

  it('has it also when a call beside the answer comes first, and is made once', async () => {
    const { ledger, records, decided } = open(['breaker_open', null, null]);

    await ledger.asideStarted({ ...intent, kind: 'embedding' }).written;
    ledger.cutOff([null, 'breaker_open', null]);
    await ledger.started(started(1));

    expect(records.filter((record) => typeOf(record) === ACCEPTED)).toHaveLength(1);
    expect(decided()).toEqual([
      ['a', null, 'excluded:breaker_open'],
      ['b', 0, 'next'],
      ['c', 1, 'next'],
    ]);
  });
});
