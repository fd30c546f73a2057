/** State of one thing that the gateway leans on. */
export interface DependencyState {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'down';
  /** Must requests be refused while it is down? Only the log is such. */
  readonly required: boolean;
  readonly detail: string | null;
}

type Probe = () => Promise<DependencyState> | DependencyState;

/** A target that is not called as usual; one of thousands at most, so the report names only the first ones. */
export interface RestingTarget {
  /** `provider/model credential`. */
  readonly target: string;
  readonly state: 'open' | 'half_open';
  /** Until it is called again; 0 = with the next request. */
  readonly open_for_ms: number;
}

interface BreakerState {
  readonly target: string;
  readonly state: 'closed' | 'open' | 'half_open';
  readonly openForMs: number;
}

const RESTING_MAX = 100;

/** Knows what is degraded. Probes run in the background, so that `/readyz` never waits for a dead server. */
export class Readiness {
  readonly #probes: Probe[] = [];
  readonly #instant: (() => DependencyState)[] = [];
  #states: readonly DependencyState[] = [];
  #closing = false;
  #timer: NodeJS.Timeout | null = null;

  /** @param breakers of the targets of this process; read at every report. */
  constructor(private readonly breakers: () => readonly BreakerState[] = () => []) {}

  add(probe: Probe): void {
    this.#probes.push(probe);
  }

  /** A state that is known without asking anyone: it is read at every report, so that none is out of date. */
  addInstant(probe: () => DependencyState): void {
    this.#instant.push(probe);
  }

  async start(everyMs: number): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), everyMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  close(): void {
    this.#closing = true;
  }

  /**
   * `status` is `ready`, `degraded` (requests flow, something is away) or `unavailable`. Breakers have no part in it:
   * a provider that fails is no reason to take this process out of service.
   */
  report(): {
    readonly status: 'ready' | 'degraded' | 'unavailable';
    readonly dependencies: readonly DependencyState[];
    readonly breakers: readonly RestingTarget[];
  } {
    const breakers = this.#resting();
    const dependencies = [...this.#instant.map((probe) => probe()), ...this.#states];
    if (this.#closing || dependencies.some((state) => state.required && state.state === 'down')) {
      return { status: 'unavailable', dependencies, breakers };
    }
    const degraded = dependencies.some((state) => state.state !== 'ok');
    return { status: degraded ? 'degraded' : 'ready', dependencies, breakers };
  }

  #resting(): readonly RestingTarget[] {
    const resting: RestingTarget[] = [];
    for (const { target, state, openForMs } of this.breakers()) {
      if (state === 'closed') continue;
      resting.push({ target, state, open_for_ms: openForMs });
      if (resting.length === RESTING_MAX) break;
    }
    return resting;
  }

  async #look(): Promise<void> {
    this.#states = await Promise.all(this.#probes.map(async (probe) => probe()));
  }
}

/** A probe that calls something which throws when it is away. */
export function pingProbe(name: string, ping: () => Promise<void>, timeoutMs = 2_000): Probe {
  return async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
    });
    try {
      await Promise.race([ping(), late]);
      return { name, state: 'ok', required: false, detail: null };
    } catch (error) {
      return { name, state: 'down', required: false, detail: error instanceof Error ? error.message : 'unreachable' };
    } finally {
      clearTimeout(timer);
    }
  };
}
