import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUrl, Matches, Max, Min, MinLength } from 'class-validator';

const URL_RULE = { protocols: ['http', 'https'], require_tld: false, require_protocol: true };

/** The variables that the product reads, with their defaults. Import it as a value, or validation vanishes. */
export class EnvironmentDto {
  /** Path of `nextmodel.yaml`. Default: `nextmodel.yaml` in the working directory, if there. */
  @IsOptional()
  @MinLength(1)
  readonly NEXTMODEL_CONFIG?: string;

  /** Address to listen on. Another than loopback needs a set admin token. */
  @Matches(/^[A-Za-z0-9.:[\]-]+$/, { message: 'must be a host name or an address' })
  readonly NEXTMODEL_HOST: string = '127.0.0.1';

  /** TCP port of the HTTP surface; 0 takes a free one. */
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly NEXTMODEL_PORT: number = 8080;

  /** TCP port of SQL over the receipts (ClickHouse's HTTP protocol, user `audit`); 0 takes a free one. */
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly NEXTMODEL_SQL_PORT: number = 8123;

  /** Password of the user `audit`. Default: made at first start. */
  @IsOptional()
  @MinLength(8)
  readonly NEXTMODEL_SQL_PASSWORD?: string;

  /** Where all state lives; one owner at a time. */
  @MinLength(1)
  readonly NEXTMODEL_DATA_DIR: string = './.nextmodel';

  /** The first virtual key, taken as it is. Default: made at first start. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]{8,512}$/, { message: 'must be 8 to 512 visible ASCII characters' })
  readonly NEXTMODEL_API_KEY?: string;

  /** Bearer of `/admin/v1`. Default: made at first start. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]{32,512}$/, { message: 'must be 32 to 512 visible ASCII characters' })
  readonly NEXTMODEL_ADMIN_TOKEN?: string;

  /** Seals the content of prompts and answers; the same for all gateways. Default: made at first start. */
  @IsOptional()
  @MinLength(32)
  readonly NEXTMODEL_MASTER_KEY?: string;

  /** `strict`: the receipt is on disk before the answer ends; `fast`: within 50 ms. */
  @IsIn(['strict', 'fast'])
  readonly NEXTMODEL_DURABILITY: 'strict' | 'fast' = 'strict';

  /** `host:port,host:port`. Default: the embedded log only. */
  @IsOptional()
  @Matches(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, { message: 'must be host:port, several with commas' })
  readonly NEXTMODEL_KAFKA_BROKERS?: string;

  /** `http://user:password@host:8123`. Default: embedded. */
  @IsOptional()
  @IsUrl(URL_RULE)
  readonly NEXTMODEL_CLICKHOUSE_URL?: string;

  /** `http://host:6333`. Default: the index in the process. */
  @IsOptional()
  @IsUrl(URL_RULE)
  readonly NEXTMODEL_QDRANT_URL?: string;

  @IsOptional()
  @MinLength(1)
  readonly NEXTMODEL_QDRANT_API_KEY?: string;

  /** `redis://host:6379`. Default: counters in the process. */
  @IsOptional()
  @IsUrl({ ...URL_RULE, protocols: ['redis', 'rediss'] })
  readonly NEXTMODEL_REDIS_URL?: string;

  /**
   * Folder of the receipts' Merkle trees. Default: `transparency` in the data directory. In the shared mode one that all
   * gateways see; without it no tree is made there.
   */
  @IsOptional()
  @MinLength(1)
  readonly NEXTMODEL_TRANSPARENCY_DIR?: string;

  /** `off`: this gateway reads the trees but never makes them. */
  @IsIn(['on', 'off'])
  readonly NEXTMODEL_SEQUENCER: 'on' | 'off' = 'on';

  /** Gateway processes; each owns a partition of the log. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(64)
  readonly NEXTMODEL_WORKERS: number = 1;

  /** Largest request body in bytes; 4 MiB. */
  @Type(() => Number)
  @IsInt()
  @Min(1024)
  @Max(268_435_456)
  readonly NEXTMODEL_BODY_BYTES_MAX: number = 4_194_304;

  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value))
  @IsIn(['debug', 'info', 'warn', 'error'])
  readonly NEXTMODEL_LOG_LEVEL: 'debug' | 'info' | 'warn' | 'error' = 'info';

  /** TCP port at which the receipt-ingester serves its metrics on `NEXTMODEL_HOST`. Default: none. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(65_535)
  readonly NEXTMODEL_INGESTER_METRICS_PORT?: number;

  /** When the ingester compares the rollups with the receipts each night: `hh:mm` UTC, or `off`. */
  @Matches(/^(off|([01]\d|2[0-3]):[0-5]\d)$/, { message: 'must be hh:mm (UTC) or off' })
  readonly NEXTMODEL_ROLLUP_CHECK_AT: string = '03:30';
}
