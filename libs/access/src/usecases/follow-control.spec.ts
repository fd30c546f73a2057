import { expect, it } from 'vitest';
import { ManualClock } from '#events/adapters/manual/manual-clock.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import { createKeyRing, followControl, issueKey } from '../access.module.js';

it('applies a batch of the control topic and passes over what cannot be read', async () => {
  const ring = createKeyRing();
  const { key, event } = issueKey(
    { name: 'n', tenantId: 't', projectId: 'p', models: [], limits: {}, budgetUsd: null },
    new ManualClock(),
  );
  const record = encodeEvent(
    'nextmodel.apikey.created.v1',
    `${event.keyId}/created`,
    event.keyId,
    event.createdAt,
    event,
  );
  const stored: StoredRecord = {
    ...record,
    partition: 0,
    offset: 1n,
    value: new TextEncoder().encode(record.value as string),
  };
  const broken: StoredRecord = { ...stored, offset: 0n, value: new Uint8Array([1]) };
  const passedOver: string[] = [];

  const outcome = await followControl({
    apply: (decoded) => ring.apply(decoded),
    onUndecodable: (_, detail) => passedOver.push(detail),
  })({ topic: record.topic, partition: 0, records: [broken, stored], nextOffset: 2n, headOffset: 2n });

  expect(outcome).toEqual({ kind: 'done' });
  expect(ring.authenticate(key)?.tenantId).toBe('t');
  expect(passedOver).toHaveLength(1);
});
