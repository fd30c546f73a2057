/** The effective configuration: environment and `nextmodel.yaml`, checked, defaults filled in. */
export interface Settings {
  readonly environment: EnvironmentSettings;
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly models: Readonly<Record<string, ModelSettings>>;
  readonly routing: RoutingSettings;
  readonly reliability: ReliabilitySettings;
  readonly cache: CacheSettings;
  readonly prices: PriceSettings;
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
  readonly workers: number;
  /** Largest request body. */
  readonly bodyBytesMax: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
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
}

export interface ModelSettings {
  readonly strategy: 'order' | 'weighted' | 'latency' | 'price';
  readonly targets: readonly TargetSettings[];
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

export interface ReliabilitySettings {
  readonly attemptsMax: number;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
}

export interface CacheSettings {
  readonly exact: boolean;
  readonly semantic: { readonly enabled: boolean; readonly maxError: number };
  readonly ttlSeconds: number;
}

export interface PriceSettings {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly unpriced: 'allow' | 'block' | 'cap';
}
