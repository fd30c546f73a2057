/** The effective configuration: environment and `nextmodel.yaml`, checked, defaults filled in. */
export interface Settings {
  readonly environment: EnvironmentSettings;
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly models: Readonly<Record<string, ModelSettings>>;
  readonly routing: RoutingSettings;
  readonly reliability: ReliabilitySettings;
  readonly cache: CacheSettings;
  readonly prices: PriceSettings;
  readonly transparency: TransparencySettings;
  /** Where the file was found; `null` = none, the environment decided. */
  readonly configFile: string | null;
}

export interface EnvironmentSettings {
  readonly host: string;
  readonly port: number;
  readonly sqlPort: number;
  /** `null` = made at first start. The same for the other secrets. */
  readonly sqlPassword: string | null;
  readonly apiKey: string | null;
  readonly adminToken: string | null;
  readonly masterKey: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly durability: 'strict' | 'fast';
  readonly kafkaBrokers: readonly string[];
  readonly clickhouseUrl: string | null;
  readonly qdrantUrl: string | null;
  readonly qdrantApiKey: string | null;
  readonly redisUrl: string | null;
  /** Absolute; `null` = in the data directory, and in the shared mode no trees are made. */
  readonly transparencyDir: string | null;
  /** `off` = this process never makes trees. */
  readonly sequencer: 'on' | 'off';
  readonly workers: number;
  /** Largest request body. */
  readonly bodyBytesMax: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Where the receipt-ingester serves `/metrics`; `null` = nowhere. */
  readonly ingesterMetricsPort: number | null;
  /** `hh:mm` UTC of the nightly comparison of rollups; `null` = never. */
  readonly rollupCheckAt: string | null;
}

export interface ProviderSettings {
  readonly kind: string;
  /** `null` = the kind's own. */
  readonly baseUrl: string | null;
  /** One or more; `none` in the file = a provider without keys, an empty list here. */
  readonly apiKeys: readonly string[];
  /** Names for `/v1/models`, optional. */
  readonly models: readonly string[];
}

export interface TargetSettings {
  readonly provider: string;
  /** `*` = what the star of the alias stood for. */
  readonly model: string;
  readonly weight: number;
  /** Context window in tokens; absent = not known. */
  readonly contextTokens?: number;
}

export interface ModelSettings {
  readonly strategy: 'order' | 'weighted' | 'latency' | 'price';
  readonly targets: readonly TargetSettings[];
  /** In place of those of `reliability`; absent = none. */
  readonly timeouts?: Partial<TimeoutSettings>;
  /** A second call beside a slow first one; absent = never. */
  readonly hedge?: HedgeSettings;
  /** Tried only when a target's content policy has rejected the request; absent = nowhere. */
  readonly policyFallback?: readonly PolicyTargetSettings[];
}

export interface HedgeSettings {
  /** The second call starts when the first one is slower than this share of the latest answers, 50 to 99.9. */
  readonly afterPercentile: number;
  /** Largest share of this model's requests that get a second call, 0 to 0.5. */
  readonly shareMax: number;
}

export interface PolicyTargetSettings {
  readonly provider: string;
  readonly model: string;
}

export interface RuleSettings {
  readonly name: string;
  readonly when: {
    /** Lower-case header → exact value or pattern with `*`. All must match. */
    readonly header: Readonly<Record<string, string>>;
    readonly task: string | null;
    /** Pattern of the requested model, `*` allowed. */
    readonly model: string | null;
  };
  readonly use: string;
}

export interface AutoSettings {
  readonly weak: string;
  readonly strong: string;
  readonly classifier: 'builtin';
  /** Wanted share of requests for the strong model, 0 to 1. */
  readonly strongShare: number;
  /** Model when the classifier does not know. */
  readonly abstain: string;
}

export interface RoutingSettings {
  readonly rules: readonly RuleSettings[];
  readonly auto: AutoSettings | null;
}

export interface TimeoutSettings {
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
}

export interface ReliabilitySettings extends TimeoutSettings {
  readonly attemptsMax: number;
  /** A client that takes nothing for so long is given up. */
  readonly slowReaderMs: number;
  /** How long a provider that bills in any case is read on after its client left; 0 = not at all. */
  readonly drainMs: number;
  /** Requests under way in one process; more are refused. */
  readonly requestsMax: number;
  /** Lag of the event loop above which new requests are refused. */
  readonly shedLagMs: number;
  /** Lag of the event loop above which a line is logged, at most once a minute. */
  readonly lagAlarmMs: number;
  /** Requests under way of one key in one process, where the key says nothing itself. Not for the first key. */
  readonly requestsPerKeyMax: number;
  /** Requests under way of one client's address in one process; 0 = no limit. */
  readonly requestsPerAddressMax: number;
  /** Addresses and networks whose `x-forwarded-for` is believed. */
  readonly trustedProxies: readonly string[];
  /** A client has so long for its header block. */
  readonly clientHeadersMs: number;
  /** A client has so long for its whole request. */
  readonly clientRequestMs: number;
}

export interface CacheSettings {
  readonly exact: boolean;
  readonly semantic: {
    readonly enabled: boolean;
    readonly maxError: number;
    /** `null` = the builtin one: local, free. */
    readonly embedder: EmbedderSettings | null;
  };
  readonly ttlSeconds: number;
}

/** A model behind `/v1/embeddings` of a configured provider. Each question that is looked up by meaning is a call. */
export interface EmbedderSettings {
  readonly provider: string;
  readonly model: string;
  /** Length of its vectors. */
  readonly dimensions: number;
  /** Slower is a miss. */
  readonly timeoutMs: number;
}

export interface PriceSettings {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly unpriced: 'allow' | 'block' | 'cap';
}

export interface TransparencySettings {
  /** Who gets the signed checkpoints. */
  readonly webhooks: readonly CheckpointWebhookSettings[];
  /** Who cosigns the checkpoints. */
  readonly witnesses: readonly WitnessSettings[];
  /** Least time between two checkpoints of one log that witnesses are asked to cosign. */
  readonly witnessEveryMs: number;
  /** Append every checkpoint to a file in the trees' folder. */
  readonly exportCheckpoints: boolean;
}

export interface WitnessSettings {
  /** C2SP verifier key of type 0x04, `<name>+<id>+<base64>`. */
  readonly key: string;
  /** Submission prefix; `null` = its cosignatures are dropped into a folder. */
  readonly address: { readonly url: string; readonly allowPrivate: boolean } | null;
}

export interface CheckpointWebhookSettings {
  readonly url: string;
  /** Least time between two checkpoints of one log. */
  readonly everyMs: number;
  readonly allowPrivate: boolean;
}
