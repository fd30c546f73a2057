/**
 * What a caller was told of one request. `gone`: the connection broke, or the caller left. `refused`: turned away by an
 * overloaded gateway before its body was read, so there is nothing that a receipt could be about.
 */
export interface ClientEntry {
  readonly id: string;
  readonly tenantId: string;
  readonly outcome: 'whole' | 'error' | 'gone' | 'refused';
  /** From the header; `null` when no header came. */
  readonly receiptId: string | null;
  readonly text: string | null;
  /** A stream that ended in order, but neither with `[DONE]` nor with an error frame. */
  readonly silentEnd: boolean;
}

export interface UpstreamEntry {
  readonly id: string;
  readonly calls: number;
}

export interface AttemptEntry {
  readonly n: number;
  readonly billed: 'yes' | 'no' | 'unknown';
  readonly costPicoUsd: string | null;
}

/** A sealed receipt as it stands in the log, once for each time it stands there. */
export interface ReceiptEntry {
  readonly receiptId: string;
  /** The request's id, from its tags. */
  readonly id: string;
  readonly tenantId: string;
  readonly status: string;
  readonly streamComplete: boolean | null;
  readonly costPicoUsd: string | null;
  readonly attempts: readonly AttemptEntry[];
}

/** A receipt in the tables, through the view that readers use. */
export interface RowEntry {
  readonly receiptId: string;
  readonly status: string;
  readonly tenantId: string;
  readonly costPicoUsd: string | null;
  readonly attempts: number;
}

/** An event of a request in the log, in the order of its topic. */
export interface StepEntry {
  readonly receiptId: string;
  readonly step: 'accepted' | 'started' | 'finished' | 'completed' | 'sealed';
  readonly n: number;
}

export interface History {
  readonly clients: readonly ClientEntry[];
  readonly upstream: readonly UpstreamEntry[];
  readonly receipts: readonly ReceiptEntry[];
  /** `null` = no tables were looked at. */
  readonly rows: readonly RowEntry[] | null;
  readonly steps: readonly StepEntry[];
  /** What each process has printed. */
  readonly printed: readonly string[];
  /** Keys, tokens and passwords, none of which may be in `printed`. */
  readonly secrets: readonly string[];
}

export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I6' | 'I8' | 'I9' | 'I12';
  readonly what: string;
}

/**
 * Compares what clients saw, what the upstream saw and what the receipts say, after everything has recovered.
 * I1 every request has one receipt · I2 none is missing in the tables · I3 none is there twice · I4 costs and attempts
 * add up · I6 events come in a legal order · I8 nothing crosses tenants · I9 clients were told the truth · I12
 * no secret was printed.
 */
export function checkHistory(history: History): readonly Violation[] {
  const found: Violation[] = [];
  const report = (invariant: Violation['invariant'], what: string): void => void found.push({ invariant, what });
  const byReceipt = Map.groupBy(history.receipts, ({ receiptId }) => receiptId);
  const byId = Map.groupBy(history.receipts, ({ id }) => id);

  for (const [receiptId, same] of byReceipt)
    if (same.length > 1) report('I1', `${receiptId} is sealed ${same.length} times`);
  for (const [id, same] of byId) {
    if (new Set(same.map(({ receiptId }) => receiptId)).size > 1) report('I1', `request ${id} has several receipts`);
  }
  for (const { id, calls } of history.upstream) {
    const receipt = byId.get(id)?.[0];
    if (receipt === undefined) report('I1', `request ${id} reached the upstream and has no receipt`);
    else checkCalls(receipt, calls, report);
  }
  const called = new Set(history.upstream.map(({ id }) => id));
  for (const receipt of history.receipts) {
    if (!called.has(receipt.id)) checkCalls(receipt, 0, report);
    checkCost(receipt, report);
  }
  for (const client of history.clients) checkClient(client, byReceipt, byId, report);
  checkSteps(history.steps, report);
  if (history.rows !== null) checkRows(history.rows, byReceipt, report);
  for (const [at, secret] of history.secrets.entries()) {
    // Which one, and not what it is: this is printed too.
    if (history.printed.some((text) => text.includes(secret))) report('I12', `secret ${at} was printed`);
  }
  return found;
}

type Report = (invariant: Violation['invariant'], what: string) => void;

function checkCalls({ id, status, attempts }: ReceiptEntry, calls: number, report: Report): void {
  // An intent may be the last thing that a process wrote, or that a caller waited for: one attempt more than calls.
  const spare = status === 'unknown' || status === 'aborted' ? 1 : 0;
  if (attempts.length < calls || attempts.length > calls + spare) {
    report('I4', `request ${id} (${status}) has ${attempts.length} attempts and reached the upstream ${calls} times`);
  }
}

function checkCost({ id, attempts, costPicoUsd }: ReceiptEntry, report: Report): void {
  const charged = attempts.filter(({ billed }) => billed !== 'no');
  const sum = charged.some((attempt) => attempt.costPicoUsd === null)
    ? null
    : charged.reduce((total, attempt) => total + BigInt(attempt.costPicoUsd ?? 0), 0n).toString();
  if (sum !== costPicoUsd) report('I4', `request ${id} costs ${costPicoUsd}, its attempts ${sum}`);
}

function checkClient(
  client: ClientEntry,
  byReceipt: ReadonlyMap<string, readonly ReceiptEntry[]>,
  byId: ReadonlyMap<string, readonly ReceiptEntry[]>,
  report: Report,
): void {
  const { id, outcome, receiptId, text, tenantId } = client;
  if (client.silentEnd) report('I9', `request ${id}: a stream ended as if nothing had happened`);
  const receipt = byId.get(id)?.[0];
  if (receiptId !== null && !byReceipt.has(receiptId))
    report('I1', `request ${id}: ${receiptId} was promised and is not there`);
  if (receiptId !== null && receipt !== undefined && receipt.receiptId !== receiptId) {
    report('I8', `request ${id} was shown the receipt of another`);
  }
  if (receipt !== undefined && receipt.tenantId !== tenantId)
    report('I8', `request ${id} of ${tenantId} is on a receipt of ${receipt.tenantId}`);
  if (outcome === 'whole' && text !== null && text !== `echo ${id}`)
    report('I8', `request ${id} was answered ${JSON.stringify(text.slice(0, 60))}`);
  if (outcome === 'gone') return;
  if (outcome === 'refused') {
    if (receipt !== undefined) report('I9', `request ${id} was refused, and its receipt says ${receipt.status}`);
    return;
  }
  if (receipt === undefined) {
    report('I1', `request ${id} was answered and has no receipt`);
    return;
  }
  const saysWhole = receipt.status === 'ok' && receipt.streamComplete !== false;
  if ((outcome === 'whole') !== saysWhole)
    report('I9', `request ${id} was told ${outcome}, its receipt says ${receipt.status}`);
}

const inOrder = (numbers: readonly number[]): boolean => numbers.every((n, at) => n === at + 1);

function checkSteps(steps: readonly StepEntry[], report: Report): void {
  for (const [receiptId, own] of Map.groupBy(steps, (step) => step.receiptId)) {
    const times = (step: StepEntry['step']): readonly number[] =>
      own.filter((one) => one.step === step).map(({ n }) => n);
    const [started, finished] = [times('started'), times('finished')];
    if (times('accepted').length !== 1) report('I6', `${receiptId} was accepted ${times('accepted').length} times`);
    if (times('completed').length > 1) report('I6', `${receiptId} was completed twice`);
    if (times('sealed').length === 0) report('I1', `${receiptId} was accepted and never sealed`);
    if (!inOrder(started)) report('I6', `${receiptId} started attempts ${started.join(', ')}`);
    if (!inOrder(finished)) report('I6', `${receiptId} finished attempts ${finished.join(', ')}`);
    if (started.length !== finished.length)
      report('I6', `${receiptId}: ${started.length} attempts started, ${finished.length} finished`);
  }
}

function checkRows(
  rows: readonly RowEntry[],
  byReceipt: ReadonlyMap<string, readonly ReceiptEntry[]>,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.receiptId)) report('I3', `${row.receiptId} is in the tables twice`);
    seen.add(row.receiptId);
    const receipt = byReceipt.get(row.receiptId)?.[0];
    if (receipt === undefined) report('I3', `${row.receiptId} is in the tables and not in the log`);
    else if (row.costPicoUsd !== receipt.costPicoUsd)
      report('I4', `${row.receiptId} costs ${row.costPicoUsd} in the tables`);
    else if (row.attempts !== receipt.attempts.length)
      report('I4', `${row.receiptId} has ${row.attempts} attempts in the tables`);
    else if (row.tenantId !== receipt.tenantId)
      report('I8', `${row.receiptId} belongs to ${row.tenantId} in the tables`);
    else if (row.status !== receipt.status) report('I2', `${row.receiptId} is ${row.status} in the tables`);
  }
  for (const receiptId of byReceipt.keys()) if (!seen.has(receiptId)) report('I2', `${receiptId} is not in the tables`);
}
