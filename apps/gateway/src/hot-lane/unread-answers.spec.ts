import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { UnreadAnswers } from './unread-answers.js';

/** An answer of which so many bytes are still in this process. */
class Answer extends EventEmitter {
  destroyed = false;
  timeoutMs = 0;
  readonly socket: { readonly writableLength: number; setTimeout(ms: number): void } | null;

  constructor(bytes: number) {
    super();
    this.socket = { writableLength: bytes, setTimeout: (ms) => (this.timeoutMs = ms) };
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function watchedBy(unread: UnreadAnswers, ...sizes: readonly number[]): Answer[] {
  return sizes.map((bytes) => {
    const answer = new Answer(bytes);
    unread.ended(answer as unknown as ServerResponse);
    return answer;
  });
}

describe('unread answers', () => {
  it('are given up when their client takes nothing in time, and counted no more', () => {
    let givenUp = 0;
    const unread = new UnreadAnswers({ slowReaderMs: 700, onGivenUp: () => (givenUp += 1) });
    const [small, large] = watchedBy(unread, 0, 100) as [Answer, Answer];
    const before = [unread.bytes, small.timeoutMs, large.timeoutMs];

    large.emit('timeout');

    expect(before).toEqual([100, 0, 700]);
    expect([large.destroyed, givenUp, unread.bytes]).toEqual([true, 1, 0]);
  });

  it('leave no time limit on the connection once they are read', () => {
    const unread = new UnreadAnswers({ slowReaderMs: 700, onGivenUp: () => undefined });
    const answer = new Answer(100);
    // Node's own listener was there before, and must have the last word.
    answer.on('finish', () => answer.socket?.setTimeout(65_000));
    unread.ended(answer as unknown as ServerResponse);

    answer.emit('finish');

    expect([answer.timeoutMs, answer.destroyed, unread.bytes]).toEqual([65_000, false, 0]);
  });

  it('fill a bounded part of the memory: those that wait longest go first', () => {
    const unread = new UnreadAnswers({ slowReaderMs: 700, bytesMax: 250, onGivenUp: () => undefined });

    const answers = watchedBy(unread, 100, 100, 100, 240);

    expect(answers.map((answer) => answer.destroyed)).toEqual([true, true, true, false]);
    expect(unread.bytes).toBe(240);
  });
});
