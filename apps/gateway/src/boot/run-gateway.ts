import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#telemetry/ports/logger.js';
import { createHttpServer } from '../http-server.js';
import { assembleGateway } from './assemble-gateway.js';
import type { BootOrder } from './boot-order.js';

export interface RunningGateway {
  readonly recoveredReceipts: number;
  /** Stops accepting, lets answers end, flushes. Resolves when nothing is left to lose. Again: a shorter time counts. */
  shutDown(drainMs?: number): Promise<void>;
}

const DRAIN_MS = 30_000;

/** Boots a gateway and listens. Rejects with a `RouterError` that says what to do. */
export async function runGateway(order: BootOrder, logger: Logger): Promise<RunningGateway> {
  const { environment, reliability } = order.settings;
  const times = { headersMs: reliability.clientHeadersMs, requestMs: reliability.clientRequestMs };
  const gateway = await assembleGateway(order, logger);
  const http = await createHttpServer(gateway.lane, gateway.parts, logger, gateway.unread, times);
  try {
    await http.listen(environment.host, environment.port, order.sharedPort);
  } catch (error) {
    await gateway.close();
    throw error;
  }
  let ending: Promise<void> | null = null;
  let deadline = Number.POSITIVE_INFINITY;
  const end = async (): Promise<void> => {
    gateway.readiness.close();
    gateway.admission.close();
    http.server.close();
    http.server.closeIdleConnections();
    while (gateway.admission.inside > 0 && Date.now() < deadline) {
      await sleep(20);
      http.server.closeIdleConnections();
    }
    gateway.lane.cutAll();
    await sleep(50);
    http.server.closeAllConnections();
    // Connections cut at the deadline end as aborted requests; their receipts are sealed before the log closes.
    const sealedBy = Date.now() + 2_000;
    while (gateway.admission.inside > 0 && Date.now() < sealedBy) await sleep(20);
    await http.app.close();
    await gateway.close();
  };
  return {
    recoveredReceipts: gateway.recoveredReceipts,
    shutDown: (drainMs = DRAIN_MS) => {
      deadline = Math.min(deadline, Date.now() + drainMs);
      return (ending ??= end());
    },
  };
}
