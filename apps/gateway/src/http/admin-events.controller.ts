import { createHash } from 'node:crypto';
import { Body, Controller, HttpCode, Inject, Post, UseGuards, ValidationPipe } from '@nestjs/common';
import { encodeEvent } from '#events/domain/event-codec.js';
import { RouterError } from '#events/domain/router-error.js';
import { parsePriceRecord } from '#pricing/domain/price-record.js';
import { publishControl } from '../publish-control.js';
import { AdminGuard } from './guards.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';
import { EraseSubjectDto, PublishAdjustmentsDto, PublishPricesDto } from './publish-events.dto.js';

const strict = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });

/** Facts that an operator adds to the log of a running instance; the command line computes them. */
@Controller('admin/v1')
@UseGuards(AdminGuard)
export class AdminEventsController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  /** Appends corrections of receipts, booked now whatever time they claim. The same `seq` of a receipt again changes nothing: the first one counts. */
  @Post('adjustments')
  @HttpCode(201)
  async adjust(@Body(strict) body: PublishAdjustmentsDto): Promise<unknown> {
    const bookedAt = new Date(this.parts.clock.nowMs()).toISOString();
    const records = body.adjustments.map((one) =>
      encodeEvent(
        'nextmodel.receipt.adjusted.v1',
        `${one.receipt_id}/adjusted/${one.seq}`,
        one.receipt_id,
        one.adjusted_at,
        {
          receiptId: one.receipt_id,
          tenantId: one.tenant_id,
          seq: one.seq,
          adjustedAt: one.adjusted_at,
          bookedAt,
          deltaPicoUsd: one.delta_pico_usd,
          reason: one.reason,
          evidence: one.evidence,
        },
      ),
    );
    await this.parts.log.append(records).durable;
    return { object: 'adjustments', appended: records.length };
  }

  /** Publishes price records: all of them, or none when one cannot be read. They hold from this answer on. */
  @Post('prices')
  @HttpCode(201)
  async publish(@Body(strict) body: PublishPricesDto): Promise<unknown> {
    const publishedAt = new Date(this.parts.clock.nowMs()).toISOString();
    const records = body.records.map((record, index) => {
      const price = parsePriceRecord(record);
      if (price === null) {
        throw new RouterError({
          code: 'invalid_request',
          publicMessage: `records[${index}] is no price record; make them with "nextmodel prices publish".`,
          httpStatus: 400,
          param: `records[${index}]`,
        });
      }
      const priceHash = createHash('sha256').update(record).digest('hex');
      return encodeEvent('nextmodel.price.published.v1', `price/${priceHash}`, priceHash, publishedAt, {
        priceId: price.priceId,
        priceHash,
        record,
        publishedAt,
      });
    });
    await publishControl(this.parts.log, this.parts.applyControl, records);
    return { object: 'prices', published: records.length };
  }

  /**
   * Appends `subject.erased`, then destroys the subject's keys: nobody reads its content from then on. Idempotent.
   * 503 when the store of keys is away: the event stands, and the gateway goes on trying.
   */
  @Post('subjects/erase')
  @HttpCode(201)
  async erase(@Body(strict) body: EraseSubjectDto): Promise<unknown> {
    const erasedAt = new Date(this.parts.clock.nowMs()).toISOString();
    const { tenant, subject } = body;
    const data = { tenantId: tenant, subject, erasedAt };
    const record = encodeEvent('nextmodel.subject.erased.v1', `${subject}/erased`, subject, erasedAt, data);
    const entries = (body.receipt_ids ?? []).map((receiptId) =>
      encodeEvent('nextmodel.cache.invalidated.v1', `${receiptId}/erased`, receiptId, erasedAt, {
        tenantId: tenant,
        receiptId,
        scope: null,
        invalidatedAt: erasedAt,
        reason: 'erased',
      }),
    );
    await publishControl(this.parts.log, this.parts.applyControl, [record, ...entries]);
    await this.parts.keysErased(subject);
    return { object: 'erasure', tenant, subject, erased_at: erasedAt };
  }
}
