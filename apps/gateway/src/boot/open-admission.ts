import type { KeyRing } from '#access/ports/key-ring.js';
import { AdmissionDesk } from '../hot-lane/admission.js';
import { measureLoopLag } from '../hot-lane/loop-lag.js';
import { ShedController } from '../hot-lane/shed-controller.js';
import { watchTurns } from '../hot-lane/turn-watch.js';

export interface AdmissionOrder {
  readonly keys: KeyRing;
  readonly requestsMax: number;
  /** Mean lag of the event loop above which nobody comes in. */
  readonly shedLagMs: number;
  /** Told the mean lag ten times a second. */
  readonly onLag: (lagMs: number) => void;
}

/** The door of this process, and its eye on the event loop. */
export function openAdmission(order: AdmissionOrder): { readonly admission: AdmissionDesk; close(): void } {
  const shed = new ShedController(order.shedLagMs);
  const turns = watchTurns((busyMs, nowMs) => shed.turnEnded(busyMs, nowMs));
  const lag = measureLoopLag((lagMs) => {
    shed.observe(lagMs);
    order.onLag(lagMs);
  });
  const admission = new AdmissionDesk({
    keys: order.keys,
    requestsMax: order.requestsMax,
    shed: { admits: () => shed.admits(turns.busyMs) },
  });
  return {
    admission,
    close() {
      turns.stop();
      lag.stop();
    },
  };
}
