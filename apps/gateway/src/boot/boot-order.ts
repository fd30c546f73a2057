import type { Settings } from '#config/domain/settings.js';

/** What a supervisor tells a gateway process over IPC; a gateway on its own makes one itself. Holds secrets. */
export interface BootOrder {
  readonly kind: 'boot';
  readonly settings: Settings;
  /** Log partition that this process owns: 0, 1, … */
  readonly partition: number;
  /** Other gateway processes listen on the same port. */
  readonly sharedPort: boolean;
  readonly logDirectory: string;
  readonly vectorsDirectory: string;
  readonly clickhouseDirectory: string;
  /** Holds the file of subject keys. */
  readonly secretsDirectory: string;
  readonly apiKey: string;
  readonly adminToken: string;
  readonly masterKey: string;
  /** `null` = no SQL: receipts are in the log and wait for an ingester. */
  readonly sql: { readonly url: string; readonly username: string; readonly password: string } | null;
  /** Identifies this gateway among others in consumer groups. */
  readonly instance: string;
}

export type BootReport =
  | { readonly kind: 'ready'; readonly partition: number; readonly recoveredReceipts: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
