import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from '#dispatch/ports/dispatcher.js';
import { ManualClock } from '#events/adapters/manual/manual-clock.js';
import { createProviderRegistry } from '#providers/providers.module.js';
import type { EmbeddingEnd } from '#semantic-cache/ports/semantic-cache.js';
import { EmbeddingLine } from './embedding-line.js';
import type { RequestLedger } from './request-ledger.js';

const registry = createProviderRegistry({
  vectors: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', apiKeys: ['k'], models: [] },
});
const provider = registry.get('vectors');
if (provider === undefined) throw new Error('no provider');
const target = { provider, model: 'embed', credentialId: 'vectors/1' };
const end = (change: Partial<EmbeddingEnd>): EmbeddingEnd => ({
  outcome: 'ok',
  httpStatus: 200,
  headers: { 'x-request-id': 'req_7' },
  usage: { prompt_tokens: 8, total_tokens: 8 },
  ...change,
});

/** @returns what the ledger was given. */
async function lineOf(...ends: readonly (EmbeddingEnd | 'settle')[]): Promise<readonly AttemptOutcome[]> {
  const outcomes: AttemptOutcome[] = [];
  const ledger = {
    asideStarted: () => ({ n: 1, written: Promise.resolve() }),
    asideFinished: (outcome: AttemptOutcome) => void outcomes.push(outcome),
  } as unknown as RequestLedger;
  const line = new EmbeddingLine(ledger, target, new ManualClock(), 'How do I reset it?');
  await line.started();
  for (const each of ends) {
    if (each === 'settle') line.settle();
    else line.finished(each);
  }
  return outcomes;
}

describe('the line of an embedding call', () => {
  it.each<[string, EmbeddingEnd, Partial<AttemptOutcome>]>([
    [
      'an answer',
      end({}),
      {
        status: 'ok',
        billed: 'yes',
        meters: { input_uncached: 8 },
        usageSource: 'provider',
        providerRequestId: 'req_7',
      },
    ],
    [
      'an answer without usage, which is estimated',
      end({ usage: null }),
      { status: 'ok', billed: 'yes', meters: { input_uncached: 5 }, usageSource: 'estimated' },
    ],
    [
      'a limit, which costs nothing',
      end({ outcome: 'refused', httpStatus: 429, usage: null }),
      { status: 'error', errorCode: 'upstream_rate_limited', billed: 'no', meters: {}, usageSource: 'none' },
    ],
    [
      'a service that was not reached',
      end({ outcome: 'unreached', httpStatus: 0, usage: null }),
      { status: 'error', errorCode: 'upstream_unavailable', billed: 'no', meters: {}, movedOn: 'cache_miss' },
    ],
    [
      'a connection that broke',
      end({ outcome: 'broken', httpStatus: 0, usage: null }),
      { status: 'error', billed: 'unknown', meters: { input_uncached: 5 }, usageSource: 'estimated' },
    ],
    [
      'an answer that is no vector',
      end({ outcome: 'bad_answer' }),
      { status: 'error', errorCode: 'upstream_bad_response', billed: 'unknown', meters: { input_uncached: 8 } },
    ],
  ])('tells of %s', async (_what, ended, expected) => {
    expect(await lineOf(ended)).toMatchObject([{ n: 1, kind: 'embedding', provider: 'vectors', ...expected }]);
  });

  it('is closed when the look-up stops waiting, and what comes later changes nothing', async () => {
    expect(await lineOf('settle', end({}))).toMatchObject([{ status: 'timeout', billed: 'unknown' }]);
    expect(await lineOf(end({}), 'settle')).toMatchObject([{ status: 'ok' }]);
  });
});
