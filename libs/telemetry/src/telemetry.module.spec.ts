import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { maskSecrets } from './domain/mask-secrets.js';
import { createLogger, createMetrics } from './telemetry.module.js';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } }));
  return lines.join('');
}
const attempt = (changes: Partial<AttemptLine>): AttemptLine =>
  ({
    provider: 'p',
    model: 'm',
    status: 'ok',
    errorCode: null,
    latencyMs: 1200,
    timeToFirstTokenMs: 300,
    lines: [{ meter: 'output_text', quantity: 100, ratePico: '1', amountPico: '100' }],
    costStatus: 'exact',
    costPicoUsd: '2500000000',
    ...changes,
  }) as AttemptLine;
const receipt = (changes: Partial<Receipt>): Receipt =>
  ({
    api: 'chat.completions',
    status: 'ok',
    streamed: true,
    cache: { result: 'miss' },
    latencyMs: 1200,
    overheadUs: 400,
    costPicoUsd: '2500000000',
    avoidedPicoUsd: '0',
    wastedPicoUsd: '0',
    attempts: [attempt({})],
    ...changes,
  }) as Receipt;

describe('log', () => {
  it('writes one JSON object per line with level, time and message', () => {
    const line = logged((logger) => logger.child({ receiptId: 'rcpt_1' }).warn({ latencyMs: 12 }, 'attempt failed'));

    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      receiptId: 'rcpt_1',
      latencyMs: 12,
      msg: 'attempt failed',
    });
    expect(line.split('\n')).toHaveLength(2);
  });

  it('shows no secret and no prompt, wherever they were put', () => {
    const canary = 'canary-0123456789abcdef';
    const key = `nm_0123456789ab_${'0123456789abcdef'.repeat(4)}`;
    const failure = Object.assign(new Error(`refused ${key} at https://user:${canary}@host/v1?key=${canary}`), {
      config: { headers: { authorization: canary }, data: canary },
      cause: new Error('Incorrect API key provided: sk-abcdefghijklmnop'),
    });

    const text = logged((logger) => {
      logger.info({ authorization: canary, headers: { authorization: canary, cookie: canary } }, 'a');
      logger.info({ request: { headers: { 'x-api-key': canary } }, apiKey: canary, messages: [canary] }, 'b');
      logger.info({ note: `Authorization: Bearer ${canary}` }, 'c');
      logger.error({ err: failure }, 'd');
    });

    expect(text).not.toContain(canary);
    expect(text).not.toContain(key);
    expect(text).not.toContain('sk-abcdefghijklmnop');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
    ).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets no line break or escape sequence of a field into the terminal', () => {
    const text = logged((logger) => logger.info({ model: 'x\r\n{"level":"error"}\u001b[31m' }, 'asked'));

    expect(text.trim().split('\n')).toHaveLength(1);
    expect(text).not.toContain('\u001b');
  });

  it('keeps every line JSON, whatever is masked in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const line = logged((logger) => logger.info({ value: `Bearer ${value} sk-${value}` }, 'm'));
        expect(JSON.parse(line).msg).toBe('m');
      }),
    );
    expect(maskSecrets('x'.repeat(100_000))).toHaveLength(100_000);
  });
});

describe('metrics', () => {
  it('counts requests, attempts, tokens and cost of receipts', async () => {
    const metrics = createMetrics();
    metrics.receiptSealed(receipt({}));
    metrics.receiptSealed(
      receipt({ cache: { result: 'exact' } as Receipt['cache'], attempts: [], avoidedPicoUsd: '1000000000000' }),
    );
    metrics.receiptSealed(
      receipt({
        costPicoUsd: null,
        attempts: [attempt({ status: 'error', errorCode: 'upstream_error', costPicoUsd: null })],
      }),
    );

    const text = await metrics.text({
      inFlight: 3,
      refusedAtDoor: { stopping: 0, full: 1, busy: 5 },
      breakers: [{ target: 'p/m', state: 'open' }],
      consumerLagRecords: { ingester: 7 },
    });

    for (const line of [
      'nextmodel_requests_total{api="chat.completions",status="ok",cache="miss"} 2',
      'nextmodel_requests_total{api="chat.completions",status="ok",cache="exact"} 1',
      'nextmodel_attempts_total{provider="p",model="m",outcome="upstream_error"} 1',
      'nextmodel_tokens_total{provider="p",model="m",meter="output_text"} 200',
      'nextmodel_cost_usd_total{provider="p",model="m",cost_status="exact"} 0.0025',
      'nextmodel_unpriced_requests_total 1',
      'nextmodel_avoided_usd_total 1',
      'nextmodel_overhead_seconds_bucket{le="0.0005"} 3',
      'nextmodel_overhead_seconds_count 3',
      'nextmodel_request_duration_seconds_bucket{api="chat.completions",streamed="true",le="+Inf"} 3',
      'nextmodel_in_flight_requests 3',
      'nextmodel_refused_requests_total{reason="busy"} 5',
      'nextmodel_breaker_state{target="p/m"} 2',
      'nextmodel_consumer_lag_records{group="ingester"} 7',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toContain('nextmodel_nodejs_eventloop_lag_p99_seconds');
  });

  it('never makes a label of a model that no provider has served', async () => {
    const metrics = createMetrics();
    for (let index = 0; index < 500; index += 1) {
      metrics.receiptSealed(
        receipt({ attempts: [attempt({ model: `typed-${index}`, status: 'error', errorCode: 'upstream_rejected' })] }),
      );
      metrics.receiptSealed(receipt({ attempts: [attempt({ model: `real-${index}` })] }));
    }

    const text = await metrics.text();

    expect(text).not.toContain('typed-');
    expect(text.match(/nextmodel_attempts_total\{/g)?.length).toBeLessThanOrEqual(203);
    expect(text).toContain('model="other",outcome="upstream_rejected"} 500');
  });

  it('shows the log’s progress', async () => {
    const metrics = createMetrics();
    metrics.logAppended(5);
    metrics.logSynced(3, 2);

    const text = await metrics.text();

    expect(text).toContain('nextmodel_log_unsynced_records 2');
    expect(text).toContain('nextmodel_log_sync_seconds_bucket{le="0.0025"} 1');
  });

  it('is documented name by name', async () => {
    const documentation = readFileSync(resolve(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
    const metrics = createMetrics();
    metrics.receiptSealed(receipt({}));
    metrics.logSynced(1, 1);

    const text = await metrics.text({ breakers: [{ target: 'x', state: 'closed' }], consumerLagRecords: { g: 1 } });
    const names = [...text.matchAll(/^# TYPE (nextmodel_(?!nodejs_|process_)\S+)/gm)].map((match) => match[1] ?? '');

    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !documentation.includes(`\`${name}`))).toEqual([]);
  });
});
