import { describe, expect, it } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import { LiveAnswer, type LiveEnd } from './live-answer.js';

const WHOLE: LiveEnd = { kind: 'whole', costPicoUsd: '7', finishReason: 'stop', meters: {} };
const textFrom = (live: LiveAnswer, from = 0): string => {
  let text = '';
  for (let place = from; ; place += 1) {
    const event = live.at(place);
    if (event === null || event === 'lost') return text + (event ?? '');
    text += event.data;
  }
};

describe('a running stream that others read along', () => {
  it('gives all from the first event to whoever comes later', () => {
    const live = new LiveAnswer('r');
    live.add('a', false);
    live.add('b', false);

    const admitted = live.admit();
    live.follow(() => undefined);
    live.add('c', false);

    expect([admitted, textFrom(live)]).toEqual([true, 'abc']);
  });

  it('wakes everybody at every event and at the end, whatever one of them does', () => {
    const live = new LiveAnswer('r');
    const woken = [0, 0];
    for (const at of [0, 1]) {
      live.admit();
      live.follow(() => {
        woken[at] = (woken[at] ?? 0) + 1;
      });
    }

    live.add('a', false);
    live.finish(WHOLE);

    expect(woken).toEqual([2, 2]);
  });

  it('says so when the last one leaves, and counts those who are about to come', () => {
    const live = new LiveAnswer('r');
    let deserted = 0;
    live.onDeserted = () => {
      deserted += 1;
    };
    live.admit();
    live.admit();

    const leaveFirst = live.follow(() => undefined);
    leaveFirst();
    const whileOneComes = deserted;
    const leaveSecond = live.follow(() => undefined);
    leaveSecond();
    leaveSecond();

    expect([whileOneComes, deserted, live.followers]).toEqual([0, 1, 0]);
  });

  it('holds a bounded part of a long answer: nobody joins then, and who lags behind has lost it', () => {
    const live = new LiveAnswer('r');
    const piece = 'x'.repeat(1_000);
    for (let n = 0; n < 1_000; n += 1) live.add(piece, false);

    let held = 0;
    for (let place = 999; live.at(place) !== 'lost'; place -= 1) held += 1;

    expect(live.admit()).toBe(false);
    expect(live.at(0)).toBe('lost');
    expect(held).toBe(262);
    expect(live.at(1_000)).toBeNull();
  });

  it('ends once, and lets nobody in after that', () => {
    const live = new LiveAnswer('r');

    live.finish(WHOLE);
    live.finish({ kind: 'broken', error: new RouterError({ code: 'internal', publicMessage: 'x' }) });

    expect([live.end, live.admit()]).toEqual([WHOLE, false]);
  });
});
