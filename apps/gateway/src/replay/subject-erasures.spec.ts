import { describe, expect, it, vi } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import { createContentCipher } from '#semantic-cache/semantic-cache.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { SubjectErasures } from './subject-erasures.js';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const erased = { tenantId: 'acme', subject: 'acme:a', erasedAt: '2026-11-24T12:00:00.000Z' };
const away = new RouterError({ code: 'store_unavailable', publicMessage: 'away' });

function cipherThat(fails: () => boolean) {
  const calls: [string, number][] = [];
  const cipher = Object.assign(Object.create(createContentCipher('ab'.repeat(32))), {
    erase: (subject: string, erasedAtMs: number) => {
      calls.push([subject, erasedAtMs]);
      return fails() ? Promise.reject(away) : Promise.resolve();
    },
  });
  return { cipher, calls };
}

describe('erasures of the control topic', () => {
  it('reach the cipher, those that were read before it was there too', () => {
    const erasures = new SubjectErasures(silent);
    const { cipher, calls } = cipherThat(() => false);

    erasures.apply(erased);
    erasures.use(cipher);
    erasures.apply({ ...erased, subject: 'acme:b' });

    expect(calls).toEqual([
      ['acme:a', Date.parse(erased.erasedAt)],
      ['acme:b', Date.parse(erased.erasedAt)],
    ]);
  });

  it('are refused to who waits while the store of keys is away, and carried out when it is back', async () => {
    vi.useFakeTimers();
    let down = true;
    const erasures = new SubjectErasures(silent);
    const { cipher, calls } = cipherThat(() => down);
    erasures.use(cipher);

    erasures.apply(erased);
    await expect(erasures.settle('acme:a')).rejects.toMatchObject({ code: 'store_unavailable' });
    down = false;
    await vi.advanceTimersByTimeAsync(1_000);
    const tries = calls.length;
    await vi.advanceTimersByTimeAsync(5_000);

    expect(tries).toBeGreaterThan(2);
    expect(calls).toHaveLength(tries);
    await expect(erasures.settle('acme:a')).resolves.toBeUndefined();
    erasures.stop();
    vi.useRealTimers();
  });
});
