/**
 * Structured log: a static message, facts as fields (`receiptId` whenever there is one, errors as `err`).
 * `error`: a person should look; `warn`: the system coped; `info`: the state changed; `debug`: the rest.
 * Never a key, a prompt or an answer; what looks like a secret is masked all the same.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger whose lines all carry these fields. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
