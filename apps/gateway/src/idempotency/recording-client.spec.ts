import { describe, expect, it } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import type { AnswerClient } from '../completions/answer-client.js';
import { RecordingClient } from './recording-client.js';
import type { StoredAnswer } from './stored-answer.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Notes, in order, what the client is told and what becomes of the name. */
function recorded(): { readonly client: RecordingClient; readonly notes: string[]; readonly kept: StoredAnswer[] } {
  const notes: string[] = [];
  const kept: StoredAnswer[] = [];
  const inner: AnswerClient = {
    gone: new AbortController().signal,
    streamStarted: false,
    sendJson: (status) => notes.push(`json ${status}`),
    startStream: () => notes.push('start'),
    writeData: () => notes.push('data') > 0,
    onDrain: () => undefined,
    endStream: () => notes.push('done'),
    fail: () => notes.push('failed'),
  };
  const held = {
    keep: async (answer: StoredAnswer) => {
      kept.push(answer);
      await turn();
      notes.push('kept');
    },
    release: async () => {
      await turn();
      notes.push('released');
    },
  };
  return { client: new RecordingClient(inner, held, 'r1', () => 5), notes, kept };
}
const failure = new RouterError({ code: 'upstream_truncated', publicMessage: 'cut' });

describe('what a named request is sent', () => {
  it('is kept before a JSON answer goes out', async () => {
    const { client, notes, kept } = recorded();

    client.sendJson(200, ['x-nextmodel-provider', 'p', 'x-nextmodel-model', 'm'], '{"a":1}');
    await client.settle();

    expect(notes).toEqual(['kept', 'json 200']);
    expect(kept).toEqual([{ receiptId: 'r1', provider: 'p', model: 'm', madeMs: 5, body: '{"a":1}' }]);
  });

  it('is kept before the end of a stream, event by event', async () => {
    const { client, notes, kept } = recorded();

    client.startStream([]);
    client.writeData('a');
    client.writeData('b');
    client.endStream();
    await client.settle();

    expect(notes).toEqual(['start', 'data', 'data', 'kept', 'done']);
    expect(kept[0]?.body).toEqual(['a', 'b']);
  });

  it('is not kept when it fails: the name is free before the client is told', async () => {
    const { client, notes } = recorded();

    client.startStream([]);
    client.writeData('a');
    client.fail(failure, []);
    await client.settle();

    expect(notes).toEqual(['start', 'data', 'released', 'failed']);
  });

  it('is not kept when nobody was told an end', async () => {
    const { client, notes } = recorded();

    client.startStream([]);
    await client.settle();

    expect(notes).toEqual(['start', 'released']);
  });

  it.each(['json', 'stream'])('is not kept when it is too long (%s), but goes out whole', async (kind) => {
    const { client, notes } = recorded();
    const long = 'x'.repeat(700_000);

    if (kind === 'json') client.sendJson(200, [], long + long);
    else {
      client.writeData(long);
      client.writeData(long);
      client.endStream();
    }
    await client.settle();

    expect(notes).not.toContain('kept');
    expect(notes).toContain('released');
    expect(notes.at(-1)).toBe(kind === 'json' ? 'json 200' : 'done');
  });
});
