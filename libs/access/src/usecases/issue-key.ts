import { hash } from 'node:crypto';
import type { ApiKeyCreated, ApiKeyRevoked, KeyLimits } from '#events/domain/router-event.js';
import type { Clock } from '#events/ports/clock.js';
import { keyIdOf, keyText } from '../domain/key-text.js';

/** What a new key may do. */
export interface KeyWish {
  readonly name: string;
  readonly tenantId: string;
  readonly projectId: string;
  /** Patterns of models; empty = all. */
  readonly models: readonly string[];
  readonly limits: KeyLimits;
  /** Decimal text; `null` = no budget. */
  readonly budgetUsd: string | null;
}

/**
 * Makes a key. Append the event to the control topic under the key id (`apikey.created`, id `<keyId>/created`), then
 * show `key` once: it is nowhere else.
 */
export function issueKey(wish: KeyWish, clock: Clock): { readonly key: string; readonly event: ApiKeyCreated } {
  const keyId = clock.randomHex(6);
  const key = keyText(keyId, clock.randomHex(32));
  return { key, event: createdEvent(keyId, key, wish, clock) };
}

/**
 * Takes a given text as a key, whatever it looks like (`NEXTMODEL_API_KEY`). The same text always has the same id, so
 * that a start that finds the id in the ring has nothing to append.
 */
export function adoptKey(key: string, wish: KeyWish, clock: Clock): ApiKeyCreated {
  return createdEvent(keyIdOf(key) ?? `given-${digestOf(key).slice(0, 12)}`, key, wish, clock);
}

/** The event that ends a key (`apikey.revoked`, id `<keyId>/revoked`). */
export function revokeKey(keyId: string, reason: string, clock: Clock): ApiKeyRevoked {
  return { keyId, revokedAt: new Date(clock.nowMs()).toISOString(), reason };
}

const digestOf = (key: string): string => hash('sha256', key, 'hex');

function createdEvent(keyId: string, key: string, wish: KeyWish, clock: Clock): ApiKeyCreated {
  return {
    keyId,
    name: wish.name,
    tenantId: wish.tenantId,
    projectId: wish.projectId,
    digest: digestOf(key),
    models: wish.models,
    limits: wish.limits,
    budgetUsd: wish.budgetUsd,
    createdAt: new Date(clock.nowMs()).toISOString(),
  };
}
