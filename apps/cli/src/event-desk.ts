import { join } from 'node:path';
import { dataDirectoryOwner } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { openSegmentReader } from '#event-log/event-log.module.js';
import { openContentCipher } from '#gateway/boot/subject-keys.js';
import { pass } from '#events/ports/failpoint.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { callAdmin } from './admin-client.js';
import { openStoppedLog } from './stopped-log.js';

export interface PriceText {
  readonly priceId: string;
  readonly priceHash: string;
  readonly record: string;
}

/** Where facts are added: at a running instance through its admin API, else in the log that instances read. */
export interface EventDesk {
  adjust(adjustments: readonly ReceiptAdjusted[]): Promise<void>;
  publishPrices(prices: readonly PriceText[]): Promise<void>;
  /** Destroys the subject's keys. @param receiptIds whose cache entries go. */
  erase(tenantId: string, subject: string, receiptIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const PER_CALL = 200;

/** Reads the events of an instance, running or not. Takes no lock and makes nothing. */
export async function openEvents(settings: Settings): Promise<EventLogReader> {
  const brokers = settings.environment.kafkaBrokers;
  if (brokers.length === 0) return openSegmentReader({ directory: join(settings.environment.dataDir, 'log') });
  const { openKafkaLog } = await import('#event-log/kafka-log.module.js');
  const kafka = await openKafkaLog({ brokers, clientId: 'nextmodel-cli' });
  const { reader } = kafka;
  return {
    partitions: (topic) => reader.partitions(topic),
    bounds: (topic, partition) => reader.bounds(topic, partition),
    read: (from, limits, signal) => reader.read(from, limits, signal),
    close: () => kafka.close(),
  };
}

/** @throws RouterError `data_directory_owned` when an instance starts at this very moment. */
export async function openEventDesk(settings: Settings): Promise<EventDesk> {
  const owner = await dataDirectoryOwner(settings.environment.dataDir);
  return owner === null ? stoppedDesk(settings) : runningDesk(settings);
}

function runningDesk(settings: Settings): EventDesk {
  return {
    adjust: async (adjustments) => {
      for (const part of parts(adjustments)) {
        const body = part.map((one) => ({
          receipt_id: one.receiptId,
          tenant_id: one.tenantId,
          seq: one.seq,
          delta_pico_usd: one.deltaPicoUsd,
          reason: one.reason,
          evidence: one.evidence,
          adjusted_at: one.adjustedAt,
        }));
        await callAdmin(settings, 'POST', '/adjustments', { adjustments: body });
      }
    },
    publishPrices: async (prices) => {
      for (const part of parts(prices)) {
        await callAdmin(settings, 'POST', '/prices', { records: part.map(({ record }) => record) });
      }
    },
    erase: async (tenant, subject, receiptIds) => {
      for (const ids of receiptIds.length === 0 ? [[]] : parts(receiptIds)) {
        await callAdmin(settings, 'POST', '/subjects/erase', { tenant, subject, receipt_ids: ids });
      }
    },
    close: () => Promise.resolve(),
  };
}

async function stoppedDesk(settings: Settings): Promise<EventDesk> {
  const { directory, append, close } = await openStoppedLog(settings);
  return {
    adjust: (adjustments) =>
      append(
        adjustments.map((one) =>
          encodeEvent(
            'nextmodel.receipt.adjusted.v1',
            `${one.receiptId}/adjusted/${one.seq}`,
            one.receiptId,
            one.adjustedAt,
            { ...one, bookedAt: now() },
          ),
        ),
      ),
    publishPrices: (prices) => append(prices.map((price) => priceRecord(price, now()))),
    erase: async (tenantId, subject, receiptIds) => {
      const erasedAt = now();
      const data = { tenantId, subject, erasedAt };
      // The event first: a crash in between is mended by the next start, which reads it and destroys the keys.
      await append([
        encodeEvent('nextmodel.subject.erased.v1', `${subject}/erased`, subject, erasedAt, data),
        ...receiptIds.map((receiptId) =>
          encodeEvent('nextmodel.cache.invalidated.v1', `${receiptId}/erased`, receiptId, erasedAt, {
            tenantId,
            receiptId,
            scope: null,
            invalidatedAt: erasedAt,
            reason: 'erased',
          }),
        ),
      ]);
      pass('control_durable');
      const cipher = await openContentCipher(settings.environment, directory);
      try {
        await cipher.erase(subject, Date.parse(erasedAt));
      } finally {
        await cipher.close();
      }
    },
    close,
  };
}

const now = (): string => new Date().toISOString();

function priceRecord(price: PriceText, publishedAt: string): NewRecord {
  const { priceHash } = price;
  return encodeEvent('nextmodel.price.published.v1', `price/${priceHash}`, priceHash, publishedAt, {
    ...price,
    publishedAt,
  });
}

function parts<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / PER_CALL) }, (_, at) =>
    all.slice(at * PER_CALL, (at + 1) * PER_CALL),
  );
}
