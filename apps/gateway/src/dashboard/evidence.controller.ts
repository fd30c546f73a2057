import { Controller, Get, Inject, Param, Res, UseGuards } from '@nestjs/common';
import type { ApiKey } from '#access/ports/key-ring.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import { parseReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { GATEWAY_PARTS, type GatewayParts } from '../http/gateway-parts.js';
import { ApiKeyGuard, CallerKey } from '../http/guards.js';
import { collectEvidence } from './collect-evidence.js';
import { commitmentSalts } from './commitment-salts.js';

interface Reply {
  headers(values: Readonly<Record<string, string>>): Reply;
  send(body: string): void;
}
const JSON_TYPE = 'application/json; charset=utf-8';
const RETRY_MS = 1_000;

/** What an auditor is given: a receipt's evidence in one file, and the salts that only its tenant gets. */
@Controller('v1/receipts')
@UseGuards(ApiKeyGuard)
export class EvidenceController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  /** 404 with `retry-after` for the second until the receipt is under a checkpoint. */
  @Get(':id/evidence')
  async evidence(@CallerKey() key: ApiKey, @Param('id') id: string, @Res() reply: Reply): Promise<void> {
    const bundle = await collectEvidence(this.parts, await this.#find(key, id));
    if (bundle === null) {
      const publicMessage = 'The receipt is not under a signed checkpoint yet; ask again in a second.';
      throw new RouterError({ code: 'not_found', publicMessage, httpStatus: 404, retryAfterMs: RETRY_MS });
    }
    const headers = {
      'content-type': JSON_TYPE,
      'cache-control': 'no-store',
      'content-disposition': `inline; filename="${bundle.id}.evidence.json"`,
    };
    reply.headers(headers).send(JSON.stringify(bundle));
  }

  @Get(':id/salts')
  async salts(@CallerKey() key: ApiKey, @Param('id') id: string, @Res() reply: Reply): Promise<void> {
    const receipt = JSON.parse(Buffer.from((await this.#find(key, id)).value).toString('utf8')) as Receipt;
    const salts = await commitmentSalts(this.parts.cipher, receipt);
    reply.headers({ 'content-type': JSON_TYPE, 'cache-control': 'no-store' }).send(JSON.stringify(salts));
  }

  async #find(key: ApiKey, id: string): Promise<StoredRecord> {
    const receiptId = parseReceiptId(id);
    const leaf = receiptId === null ? null : await this.parts.transparency.findLeaf(key.tenantId, receiptId);
    if (leaf !== null) return leaf;
    throw new RouterError({ code: 'not_found', publicMessage: 'No such receipt.', httpStatus: 404, param: 'id' });
  }
}
