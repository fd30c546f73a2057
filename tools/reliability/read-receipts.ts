import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_KEY, type GatewayProcess } from './gateway-process.js';

const RECEIPT_MS_MAX = 15_000;

/** An attempt as `GET /v1/receipts/{id}` shows it; the members that the tests read. */
export interface AttemptView {
  readonly n: number;
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly credential_id: string;
  readonly status: string;
  readonly moved_on: string | null;
  readonly billed: string;
  readonly usage_source: string;
  readonly cost_usd: string | null;
}

export interface ReceiptView {
  readonly status: string;
  readonly api_key_id: string;
  readonly http_status: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly cost_usd: string | null;
  readonly cost_status: string;
  readonly wasted_usd: string | null;
  readonly attempts: readonly AttemptView[];
}

async function get<T>(gateway: GatewayProcess, path: string, key: string): Promise<T | null> {
  const response = await fetch(`${gateway.origin}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return response.ok ? ((await response.json()) as T) : null;
}

/** Waits for the receipt: that of a caller who has left may come a while later. */
export async function receiptOf(gateway: GatewayProcess, id: string, key = CLIENT_KEY): Promise<ReceiptView> {
  const deadline = performance.now() + RECEIPT_MS_MAX;
  for (;;) {
    const receipt = await get<ReceiptView>(gateway, `/v1/receipts/${id}`, key);
    if (receipt !== null) return receipt;
    if (performance.now() > deadline) throw new Error(`no receipt ${id}`);
    await sleep(25);
  }
}

/** Of a caller who may have left before any header: it is found by its tag (`x-nextmodel-tags: call=<id>`). */
export async function receiptOfCall(gateway: GatewayProcess, callId: string): Promise<ReceiptView> {
  const deadline = performance.now() + RECEIPT_MS_MAX;
  for (;;) {
    const list = await get<{ readonly data: readonly ReceiptView[] }>(gateway, '/v1/receipts?limit=100', CLIENT_KEY);
    const receipt = list?.data.find(({ tags }) => tags['call'] === callId);
    if (receipt !== undefined) return receipt;
    if (performance.now() > deadline) throw new Error(`no receipt of the call ${callId}`);
    await sleep(25);
  }
}

/** @throws Error when there is none: an explanation comes with its receipt. */
export async function explanationOf<T>(gateway: GatewayProcess, id: string): Promise<T> {
  await receiptOf(gateway, id);
  const explanation = await get<T>(gateway, `/v1/receipts/${id}/explain`, CLIENT_KEY);
  if (explanation === null) throw new Error(`no explanation of ${id}`);
  return explanation;
}
