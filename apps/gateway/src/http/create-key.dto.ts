import { Type } from 'class-transformer';
import {
  IsArray,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsPositive,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';

const NAME = /^[\w.:@/-]{1,128}$/;

export class KeyLimitsDto {
  @IsOptional() @IsInt() @IsPositive() requests_per_minute?: number;
  @IsOptional() @IsInt() @IsPositive() tokens_per_minute?: number;
  @IsOptional() @IsInt() @IsPositive() concurrent?: number;
}

/** `POST /admin/v1/keys`. Unknown fields are refused: a misspelt limit must not become no limit. */
export class CreateKeyDto {
  @IsString() @IsNotEmpty() @MaxLength(128) name!: string;

  /** Default `default`. Receipts, cache and limits are separate for each tenant. */
  @IsOptional() @Matches(NAME) tenant?: string;

  @IsOptional() @Matches(NAME) project?: string;

  /** Patterns of models, `*` allowed; none = all. */
  @IsOptional() @IsArray() @IsString({ each: true }) models?: string[];

  @IsOptional() @ValidateNested() @Type(() => KeyLimitsDto) limits?: KeyLimitsDto;

  /** US dollars in total, as decimal text. */
  @IsOptional() @Matches(/^\d+(\.\d{1,12})?$/) budget?: string;
}
