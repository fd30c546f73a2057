import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  UseGuards,
  ValidationPipe,
} from '@nestjs/common';
import { issueKey } from '#access/access.module.js';
import type { ApiKey } from '#access/ports/key-ring.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import { publishControl } from '../publish-control.js';
import { AdminGuard } from './guards.js';
import { CreateKeyDto } from './create-key.dto.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';

const strict = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });

/** Virtual keys. The control topic is their state: a change is appended first and then applied. */
@Controller('admin/v1/keys')
@UseGuards(AdminGuard)
export class AdminKeysController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  /** The key's text is shown here and never again. */
  @Post()
  @HttpCode(201)
  async create(@Body(strict) body: CreateKeyDto): Promise<unknown> {
    const { key, event } = issueKey(
      {
        name: body.name,
        tenantId: body.tenant ?? 'default',
        projectId: body.project ?? 'default',
        models: body.models ?? [],
        limits: {
          ...(body.limits?.requests_per_minute === undefined
            ? {}
            : { requestsPerMinute: body.limits.requests_per_minute }),
          ...(body.limits?.tokens_per_minute === undefined ? {} : { tokensPerMinute: body.limits.tokens_per_minute }),
          ...(body.limits?.concurrent === undefined ? {} : { concurrent: body.limits.concurrent }),
        },
        budgetUsd: body.budget ?? null,
      },
      this.parts.clock,
    );
    await this.#publish(
      encodeEvent('nextmodel.apikey.created.v1', `${event.keyId}/created`, event.keyId, event.createdAt, event),
    );
    const made = this.parts.keys.get(event.keyId);
    return { ...(made === undefined ? {} : showKey(made)), key };
  }

  @Get()
  list(): unknown {
    return { object: 'list', data: this.parts.keys.list().map(showKey) };
  }

  /** Refused everywhere within a second. Idempotent. */
  @Delete(':id')
  @HttpCode(200)
  async revoke(@Param('id') id: string): Promise<unknown> {
    const key = this.parts.keys.get(id);
    if (key === undefined) {
      throw new RouterError({ code: 'not_found', publicMessage: 'No such key.', httpStatus: 404, param: 'id' });
    }
    if (key.revokedAt === null) {
      const revokedAt = new Date(this.parts.clock.nowMs()).toISOString();
      await this.#publish(
        encodeEvent('nextmodel.apikey.revoked.v1', `${id}/revoked`, id, revokedAt, {
          keyId: id,
          revokedAt,
          reason: 'admin',
        }),
      );
    }
    return { id, object: 'key', revoked: true };
  }

  #publish(record: NewRecord): Promise<void> {
    return publishControl(this.parts.log, this.parts.applyControl, [record]);
  }
}

function showKey(key: ApiKey): Record<string, unknown> {
  return {
    id: key.keyId,
    object: 'key',
    name: key.name,
    tenant: key.tenantId,
    project: key.projectId,
    models: key.models,
    limits: {
      requests_per_minute: key.limits.requestsPerMinute ?? null,
      tokens_per_minute: key.limits.tokensPerMinute ?? null,
      concurrent: key.limits.concurrent ?? null,
    },
    budget: key.budgetUsd,
    created_at: key.createdAt,
    revoked_at: key.revokedAt,
  };
}
