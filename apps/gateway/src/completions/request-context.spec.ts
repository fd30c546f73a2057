import { describe, expect, it } from 'vitest';
import type { ReceiptId } from '#events/domain/ids.js';
import { readPositiveInteger, readSessionId, readTags, readTraceId } from './request-context.js';

const id = '01890000-0000-7000-8000-000000000001' as ReceiptId;

describe('request headers', () => {
  it('reads tags of the header and of metadata.tags, and drops what has no name', () => {
    const tags = readTags('team=blue, case = a=b ,=x', { metadata: { tags: ['env=dev', 'bare', 7] } });

    expect(tags).toEqual({ team: 'blue', case: 'a=b', env: 'dev', bare: '' });
  });

  it('keeps at most sixteen tags, and none with a harmful name does harm', () => {
    const many = Array.from({ length: 40 }, (_, n) => `t${n}=v`).join(',');

    expect(Object.keys(readTags(many, null))).toHaveLength(16);
    expect(Object.getPrototypeOf(readTags('__proto__=x', null))).toBe(Object.prototype);
  });

  it('takes the trace of traceparent, and the receipt itself where there is none', () => {
    expect(readTraceId(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, id)).toBe('a'.repeat(32));
    expect(readTraceId('nonsense', id)).toBe(id.replaceAll('-', ''));
  });

  it('refuses a timeout that is no positive whole number', () => {
    expect(readPositiveInteger('x', '250')).toBe(250);
    expect(readPositiveInteger('x', undefined)).toBeNull();
    for (const text of ['0', '-1', '1.5', 'soon', '']) {
      expect(() => readPositiveInteger('x', text)).toThrow(/positive whole number/);
    }
  });

  it('takes a session as it is named, bounded, and none without a name', () => {
    expect(readSessionId(' chat-7 ')).toBe('chat-7');
    expect(readSessionId('s'.repeat(500))).toHaveLength(128);
    expect([readSessionId(undefined), readSessionId('  ')]).toEqual([null, null]);
  });
});
