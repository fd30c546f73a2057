import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Credential, Provider } from '#providers/ports/provider-registry.js';
import type { ScriptStep } from '../adapters/scripted/scripted-transport.js';
import type { ResponseHeaders, UpstreamHandler, UpstreamTransport } from './upstream-transport.js';

/** A transport whose other side plays steps. `fail` before `headers` = the connection breaks before a status line. */
export interface TransportHarness {
  readonly transport: UpstreamTransport;
  readonly provider: Provider;
  readonly credential: Credential;
  /** Did the other side see its answer cut off by us? */
  aborted(): Promise<boolean>;
  close(): Promise<void>;
}

interface Seen {
  readonly log: string[];
  headers: ResponseHeaders;
  text: string;
  takeMore: boolean;
  readonly over: Promise<string>;
}

const REQUEST = { method: 'POST', path: '/chat/completions', headers: {}, body: '{}' } as const;

/** What the engine relies on, whatever carries the bytes. */
export function describeUpstreamTransport(
  name: string,
  open: (steps: readonly ScriptStep[]) => Promise<TransportHarness>,
): void {
  describe(`UpstreamTransport: ${name}`, () => {
    let harness: TransportHarness | undefined;
    afterEach(async () => {
      await harness?.close();
      harness = undefined;
    });

    const send = async (steps: readonly ScriptStep[], takeMore = true) => {
      harness = await open(steps);
      const { promise: over, resolve: ended } = Promise.withResolvers<string>();
      const seen: Seen = { log: [], headers: {}, text: '', takeMore, over };
      const handler: UpstreamHandler = {
        onHeaders: (status, headers) => {
          seen.log.push(`headers ${status}`);
          seen.headers = headers;
        },
        onData: (chunk) => {
          if (seen.log.at(-1) !== 'data') seen.log.push('data');
          seen.text += new TextDecoder().decode(chunk);
          return seen.takeMore;
        },
        onEnd: () => {
          seen.log.push('end');
          ended('end');
        },
        onError: (_error, phase) => {
          seen.log.push(`error ${phase}`);
          ended(phase);
        },
      };
      const handle = harness.transport.send(harness.provider, harness.credential, REQUEST, 500, handler);
      return { seen, handle, harness };
    };

    it('gives status, headers, bytes in order, and one end', async () => {
      const { seen } = await send([
        { do: 'headers', status: 201, headers: { 'x-request-id': 'r1' } },
        { do: 'data', bytes: 'one ' },
        { do: 'wait', ms: 5 },
        { do: 'data', bytes: 'two' },
        { do: 'end' },
      ]);

      await seen.over;

      expect(seen.log).toEqual(['headers 201', 'data', 'end']);
      expect(seen.text).toBe('one two');
      expect(seen.headers['x-request-id']).toBe('r1');
    });

    it('gives a refusal like any other answer', async () => {
      const { seen } = await send([{ do: 'headers', status: 503 }, { do: 'data', bytes: 'busy' }, { do: 'end' }]);

      await seen.over;

      expect(seen.log).toEqual(['headers 503', 'data', 'end']);
    });

    it('tells a break before the status line as phase headers', async () => {
      const { seen } = await send([{ do: 'fail' }]);

      expect(await seen.over).toBe('headers');
      expect(seen.log).toEqual(['error headers']);
    });

    it('tells a break inside the answer as phase body', async () => {
      const { seen } = await send([
        { do: 'headers', status: 200 },
        { do: 'data', bytes: 'half' },
        { do: 'wait', ms: 10 },
        { do: 'fail' },
      ]);

      expect(await seen.over).toBe('body');
      expect(seen.log).toEqual(['headers 200', 'data', 'error body']);
    });

    it.each([
      ['before the status line', [{ do: 'hang' }], 30],
      ['after the status line', [{ do: 'headers', status: 200 }, { do: 'hang' }], 30],
      [
        'inside the body',
        [{ do: 'headers', status: 200 }, { do: 'data', bytes: 'x' }, { do: 'wait', ms: 200 }, { do: 'end' }],
        30,
      ],
      ['at once', [{ do: 'wait', ms: 200 }, { do: 'headers', status: 200 }, { do: 'end' }], 0],
    ] as const)('calls nothing back after an abort %s', async (_phase, steps, afterMs) => {
      const { seen, handle, harness: side } = await send(steps);
      if (afterMs > 0) await sleep(afterMs);
      const before = [...seen.log];

      handle.abort();
      handle.abort();
      handle.resume();
      await sleep(250);

      expect(seen.log).toEqual(before);
      if (afterMs > 0) expect(await side.aborted()).toBe(true);
    });

    it('takes an abort after the end as nothing', async () => {
      const { seen, handle, harness: side } = await send([{ do: 'headers', status: 200 }, { do: 'end' }]);
      await seen.over;

      handle.abort();

      expect(seen.log).toEqual(['headers 200', 'end']);
      expect(await side.aborted()).toBe(false);
    });

    it('stops giving bytes when told so, and loses none', async () => {
      const { seen, handle } = await send(
        [
          { do: 'headers', status: 200 },
          { do: 'data', bytes: 'one' },
          { do: 'wait', ms: 20 },
          { do: 'data', bytes: 'two' },
          { do: 'wait', ms: 20 },
          { do: 'end' },
        ],
        false,
      );
      await sleep(120);
      const whilePaused = [...seen.log, seen.text];

      seen.takeMore = true;
      handle.resume();
      await seen.over;

      expect(whilePaused).toEqual(['headers 200', 'data', 'one']);
      expect(seen.text).toBe('onetwo');
      expect(seen.log.at(-1)).toBe('end');
    });
  });
}
