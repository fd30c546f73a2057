import { Controller, Get, Inject, Param, UseGuards } from '@nestjs/common';
import type { ApiKey } from '#access/ports/key-ring.js';
import { RouterError } from '#events/domain/router-error.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';
import { ApiKeyGuard, CallerKey } from './guards.js';

/** `GET /v1/models`: what this key may call, with prices where one is known. */
@Controller('v1/models')
@UseGuards(ApiKeyGuard)
export class ModelsController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get()
  list(@CallerKey() key: ApiKey): unknown {
    return { object: 'list', data: this.#models(key) };
  }

  @Get('*')
  one(@CallerKey() key: ApiKey, @Param('*') wanted: string): unknown {
    const model = this.#models(key).find((candidate) => candidate.id === wanted);
    if (model !== undefined) return model;
    throw new RouterError({
      code: 'model_not_found',
      publicMessage: `The model '${wanted}' does not exist or this key may not use it.`,
      httpStatus: 404,
      param: 'model',
    });
  }

  #models(key: ApiKey): readonly { readonly id: string }[] {
    const nowMs = this.parts.clock.nowMs();
    const listed = this.parts.router.models(key.models);
    const known = new Set(listed.map(({ id }) => id));
    // A key that names models of a provider outright may call them, listed by the provider or not.
    const named = key.models
      .filter((id) => !id.includes('*') && !known.has(id))
      .map((id) => ({ id, ownedBy: id.slice(0, Math.max(0, id.indexOf('/'))) }))
      .filter(({ ownedBy }) => this.parts.registry.get(ownedBy) !== undefined);
    return [...listed, ...named].map(({ id, ownedBy }) => ({
      id,
      object: 'model',
      created: 1_767_225_600,
      owned_by: ownedBy,
      pricing: this.#rates(id, nowMs),
    }));
  }

  /** Rates of `provider/model` names; an alias may cost what its targets cost, so it has none of its own. */
  #rates(id: string, nowMs: number): Readonly<Record<string, string>> | null {
    const cut = id.indexOf('/');
    const provider = cut < 0 ? undefined : this.parts.registry.get(id.slice(0, cut));
    if (provider === undefined) return null;
    return this.parts.prices.rates(provider.name, provider.adapter.kind, id.slice(cut + 1), nowMs);
  }
}
