import { Controller, Get, Inject, Param, Req, Res, UseGuards } from '@nestjs/common';
import type { ApiKey } from '#access/ports/key-ring.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import { parseReceiptId } from '#events/domain/ids.js';
import { RouterError } from '#events/domain/router-error.js';
import { parseTilePath, type TileName } from '#transparency/domain/tile.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';
import { AdminGuard, ApiKeyGuard, CallerKey } from './guards.js';

interface Reply {
  headers(values: Readonly<Record<string, string>>): Reply;
  send(body: string | Buffer): void;
}
const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const FOR_EVER = 'public, max-age=31536000, immutable';
const RETRY_MS = 1_000;

const notFound = (publicMessage: string, retryAfterMs: number | null = null): RouterError =>
  new RouterError({ code: 'not_found', publicMessage, httpStatus: 404, retryAfterMs });

/** What proves a receipt: the exact bytes of its event, and where they are in the signed tree. */
@Controller('v1/receipts')
@UseGuards(ApiKeyGuard)
export class ReceiptProofController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get(':id/event')
  async event(@CallerKey() key: ApiKey, @Param('id') id: string, @Res() reply: Reply): Promise<void> {
    const leaf = await this.#find(key, id);
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'x-nextmodel-log': `receipts/${leaf.partition}`,
      'x-nextmodel-log-index': leaf.offset.toString(),
    };
    reply.headers(headers).send(Buffer.from(leaf.value));
  }

  /** A `tlog-proof@v1` file; 404 with `retry-after` for the second until the receipt is under a checkpoint. */
  @Get(':id/proof')
  async proof(@CallerKey() key: ApiKey, @Param('id') id: string, @Res() reply: Reply): Promise<void> {
    if (!this.parts.transparency.exists) {
      throw notFound('This installation makes no proofs: NEXTMODEL_TRANSPARENCY_DIR is not set.');
    }
    const proof = await this.parts.transparency.prove(await this.#find(key, id));
    if (proof.kind === 'not_sequenced') {
      throw notFound('The receipt is not under a signed checkpoint yet; ask again in a second.', RETRY_MS);
    }
    reply.headers({ 'content-type': TEXT, 'cache-control': 'no-cache' }).send(proof.proof);
  }

  async #find(key: ApiKey, id: string): Promise<StoredRecord> {
    const receiptId = parseReceiptId(id);
    const leaf = receiptId === null ? null : await this.parts.transparency.findLeaf(key.tenantId, receiptId);
    if (leaf !== null) return leaf;
    throw new RouterError({ code: 'not_found', publicMessage: 'No such receipt.', httpStatus: 404, param: 'id' });
  }
}

/** The logs as C2SP static files. No key is needed for keys, checkpoints and tiles: they hold hashes only. */
@Controller('transparency')
export class TransparencyController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get('key')
  async key(@Res() reply: Reply): Promise<void> {
    reply.headers({ 'content-type': TEXT }).send(await this.parts.transparency.keys());
  }

  @Get('receipts/:partition/checkpoint')
  async checkpoint(@Param('partition') partition: string, @Res() reply: Reply): Promise<void> {
    const note = await this.parts.transparency.checkpoint(partitionOf(partition));
    if (note === null) throw notFound('Nothing is signed for this log yet.', RETRY_MS);
    reply.headers({ 'content-type': TEXT, 'cache-control': 'no-cache' }).send(note);
  }

  /** With the signatures of witnesses, and therefore up to `witness_every_s` older than `checkpoint`. */
  @Get('receipts/:partition/cosigned')
  async cosigned(@Param('partition') partition: string, @Res() reply: Reply): Promise<void> {
    const note = await this.parts.transparency.cosigned(partitionOf(partition));
    if (note === null) throw notFound('No witness has cosigned a checkpoint of this log yet.');
    reply.headers({ 'content-type': TEXT, 'cache-control': 'no-cache' }).send(note);
  }

  /** Entries are receipts of all tenants, so that these need the admin token. */
  @Get('receipts/:partition/tile/entries/*')
  @UseGuards(AdminGuard)
  async entries(
    @Param('partition') partition: string,
    @Req() request: { readonly url: string },
    @Res() reply: Reply,
  ): Promise<void> {
    const bundle = await this.parts.transparency.entries(partitionOf(partition), tileOf(request.url));
    if (bundle.kind === 'missing') throw notFound('There is no such entry bundle.');
    if (bundle.kind === 'too_long') {
      throw notFound(
        `Entry ${bundle.index} is no receipt of this product and longer than 65,535 bytes, so that no bundle can hold it; its leaf hash is in the tile.`,
      );
    }
    reply.headers({ 'content-type': BYTES, 'cache-control': 'private, immutable' }).send(Buffer.from(bundle.bytes));
  }

  @Get('receipts/:partition/tile/*')
  async tile(
    @Param('partition') partition: string,
    @Req() request: { readonly url: string },
    @Res() reply: Reply,
  ): Promise<void> {
    const tile = await this.parts.transparency.tile(partitionOf(partition), tileOf(request.url));
    if (tile === null) throw notFound('There is no such tile.');
    reply.headers({ 'content-type': BYTES, 'cache-control': FOR_EVER }).send(Buffer.from(tile));
  }
}

function partitionOf(text: string): number {
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) throw notFound('There is no such log.');
  return Number(text);
}

function tileOf(url: string): TileName {
  const path = new URL(url, 'http://gateway').pathname;
  const name = parseTilePath(path.slice(path.indexOf('/tile/') + 1));
  if (name === null) throw notFound('There is no such tile.');
  return name;
}
