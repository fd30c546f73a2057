import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsOptional,
  IsPositive,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';

export class AdjustmentDto {
  @IsUUID() receipt_id!: string;
  @IsString() @MaxLength(128) tenant_id!: string;
  /** From 1 within a receipt. */
  @IsInt() @IsPositive() seq!: number;
  /** Signed picodollars as decimal text. */
  @Matches(/^-?\d{1,30}$/) delta_pico_usd!: string;
  @Matches(/^[\w.:-]{1,64}$/) reason!: string;
  @IsString() @MaxLength(8_192) evidence!: string;
  @IsISO8601() adjusted_at!: string;
}

/** `POST /admin/v1/adjustments`. */
export class PublishAdjustmentsDto {
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => AdjustmentDto)
  adjustments!: AdjustmentDto[];
}

/** `POST /admin/v1/prices`: whole price records as the texts whose hash receipts name. */
export class PublishPricesDto {
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(32_768, { each: true })
  records!: string[];
}

/** `POST /admin/v1/subjects/erase`. */
export class EraseSubjectDto {
  @Matches(/^[\w.:@/-]{1,128}$/) tenant!: string;
  /** As `content.stored` names it. */
  @IsString() @IsNotEmpty() @MaxLength(300) subject!: string;

  /** Receipts whose answers are the subject's: their cache entries are removed. */
  @IsOptional() @IsArray() @ArrayMaxSize(1_000) @IsUUID('all', { each: true }) receipt_ids?: string[];
}
