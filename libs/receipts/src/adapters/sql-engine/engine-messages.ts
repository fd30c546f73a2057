/** What the parent sends once, right after the fork. Secrets travel here, not in arguments or the environment. */
export interface StartMessage {
  readonly kind: 'start';
  readonly dataDir: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly auditPassword: string;
  readonly ingestPassword: string;
}

export type EngineFailure =
  /** Another process listens there. */
  | 'port_in_use'
  /** The engine is not installed on this platform. */
  | 'unavailable'
  /** The data folder cannot be opened. */
  | 'data_folder'
  /** Another engine owns the data folder. */
  | 'locked';

export type EngineMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'failed'; readonly reason: EngineFailure; readonly detail: string };
