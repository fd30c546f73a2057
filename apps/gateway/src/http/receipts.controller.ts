import { Controller, Get, Inject, Param, Query, UseGuards } from '@nestjs/common';
import type { ApiKey } from '#access/ports/key-ring.js';
import { parseReceiptId, showReceiptId, type ReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { findDecision } from '../receipts/find-decision.js';
import { toGenerationView, toReceiptView, toSnakeCase } from '../receipts/receipt-view.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';
import { ApiKeyGuard, CallerKey } from './guards.js';

const LIMIT_MAX = 100;

/** Receipts of the caller's own tenant; another's is as if it did not exist. */
@Controller('v1')
@UseGuards(ApiKeyGuard)
export class ReceiptsController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  /** The last receipts of this key that this process has made, newest first; older ones are SQL's to list. */
  @Get('receipts')
  list(@CallerKey() key: ApiKey, @Query('limit') limit?: string): unknown {
    const count = Math.min(Math.max(Number(limit ?? 20) || 20, 1), LIMIT_MAX);
    const receipts = this.parts.recent.list(key.tenantId, key.keyId, count);
    return { object: 'list', data: receipts.map(toReceiptView), has_more: receipts.length === count };
  }

  @Get('receipts/:id')
  async one(@CallerKey() key: ApiKey, @Param('id') id: string): Promise<unknown> {
    return toReceiptView(await this.#find(key, id));
  }

  /** Candidates, exclusions, scores and rule: why the request went where it went, and what was tried. */
  @Get('receipts/:id/explain')
  async explain(@CallerKey() key: ApiKey, @Param('id') id: string): Promise<unknown> {
    const receipt = await this.#find(key, id);
    const accepted = await findDecision(this.parts.reader, receipt.receiptId as ReceiptId);
    const proof = await this.parts.transparency
      .proofState(key.tenantId, receipt.receiptId as ReceiptId)
      .catch(() => null);
    const decision = accepted?.decision ?? null;
    const candidates = (decision as { candidates?: unknown } | null)?.candidates ?? [];
    return {
      object: 'receipt.explanation',
      id: showReceiptId(receipt.receiptId),
      requested_model: receipt.requestedModel,
      served_by: { provider: receipt.provider, model: receipt.servedModel },
      route: toSnakeCase(receipt.route),
      candidates: toSnakeCase(candidates),
      decision: toSnakeCase(decision),
      decision_available: decision !== null,
      cache: toSnakeCase(receipt.cache),
      proof: toSnakeCase(proof),
      attempts: receipt.attempts.map((attempt) => ({
        n: attempt.n,
        kind: attempt.kind,
        provider: attempt.provider,
        model: attempt.model,
        status: attempt.status,
        http_status: attempt.httpStatus,
        error: attempt.errorCode,
        moved_on: attempt.movedOn,
        billed: attempt.billed,
        latency_ms: attempt.latencyMs,
      })),
    };
  }

  /** OpenRouter's route and field names. */
  @Get('generation')
  async generation(@CallerKey() key: ApiKey, @Query('id') id?: unknown): Promise<unknown> {
    return toGenerationView(await this.#find(key, typeof id === 'string' ? id : ''));
  }

  async #find(key: ApiKey, id: string): Promise<Receipt> {
    const receiptId = parseReceiptId(id);
    const receipt = receiptId === null ? null : await this.parts.findReceipt(key.tenantId, receiptId);
    if (receipt !== null) return receipt;
    throw new RouterError({ code: 'not_found', publicMessage: 'No such receipt.', httpStatus: 404, param: 'id' });
  }
}
