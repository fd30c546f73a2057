/** Closes for a while after repeated faults of a store, so that its death costs requests nothing. */
export interface FaultGate {
  open(): boolean;
  worked(): void;
  failed(): void;
}

const FAULTS_IN_A_ROW = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export function createFaultGate(monotonicMs: () => number): FaultGate {
  let faults = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let closedUntil = 0;
  return {
    open: () => faults < FAULTS_IN_A_ROW || monotonicMs() >= closedUntil,
    worked() {
      faults = 0;
      pauseMs = FIRST_PAUSE_MS;
    },
    failed() {
      faults++;
      if (faults < FAULTS_IN_A_ROW) return;
      closedUntil = monotonicMs() + pauseMs;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    },
  };
}
