export interface BrokerOptions {
  /** Client port; 0 (the default) chooses a free one. A restarted broker keeps it. */
  readonly port?: number;
  /** Folder of the data; kept at `stop`. Without it: a temporary folder that `stop` removes. */
  readonly dir?: string;
  /** How long a killed broker must wait before it may come back. Default 1000. */
  readonly sessionTimeoutMs?: number;
  /** Further broker properties. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

export interface RunningBroker {
  /** `host:port`, for clients. */
  readonly brokers: readonly string[];
  readonly port: number;
  readonly dir: string;
  /** `null` while it is down. */
  readonly pid: number | null;
  /** SIGTERM, then the temporary folder is removed. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays for `restart`. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): void;
  /** Same port, same data; a running broker is stopped first. Resolves when it serves again. */
  restart(): Promise<void>;
}

/** @throws Error that names what is missing (Java, Maven) or the last lines of a broker that would not start. */
export function startBroker(options?: BrokerOptions): Promise<RunningBroker>;
/** Can a broker be started on this machine? `reason` says what to install. */
export function brokerTools(): { readonly ok: boolean; readonly reason: string };
