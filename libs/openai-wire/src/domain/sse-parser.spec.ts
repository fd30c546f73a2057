import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseParser, type SseItem } from './sse-parser.js';

const utf8 = new TextEncoder();

function parse(bytes: Uint8Array, cuts: readonly number[], bytesMax?: number): SseItem[] {
  const parser = new SseParser(bytesMax);
  const items: SseItem[] = [];
  const edges = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const edge of [...edges, bytes.length]) {
    // A reused buffer: the parser must not keep a view of it.
    const chunk = bytes.slice(from, edge);
    items.push(...parser.push(chunk));
    chunk.fill(0x58);
    from = edge;
  }
  items.push(...parser.end());
  return items;
}
const data = (text: string): SseItem => ({ kind: 'data', data: text, event: '' });
const read = (text: string, cuts: readonly number[] = []): SseItem[] => parse(utf8.encode(text), cuts);

/** A second, slow reading of the standard to compare with: line by line over the whole text. */
function reference(whole: string): string[] {
  const lines = whole.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const found: string[] = [];
  let event: string[] = [];
  for (const line of [...lines, '', '']) {
    if (line === '') {
      if (event.length > 0) found.push(event.join('\n'));
      event = [];
    } else if (line === 'data' || line.startsWith('data:')) event.push(line.slice(5).replace(/^ /, ''));
  }
  return found;
}

describe('SseParser', () => {
  it('gives whole events of one chunk in order', () => {
    const text = 'data: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n';

    const items = read(text);

    expect(items).toEqual([data('{"a":1}'), data('{"a":2}'), data('[DONE]')]);
  });

  it.each([
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['lone CR', 'data: a\r\rdata: b\r\r'],
    ['mixed line ends', 'data: a\r\n\ndata: b\n\r\n'],
    ['no space after the colon', 'data:a\n\ndata:b\n\n'],
    ['a byte order mark', '\uFEFFdata: a\n\ndata: b\n\n'],
    ['no last blank line', 'data: a\n\ndata: b\n'],
    ['no last newline at all', 'data: a\n\ndata: b'],
    ['fields of no interest', 'id: 1\nretry: 10\ndata: a\n\nunknown\ndata: b\n\n'],
    ['empty events', '\n\n\ndata: a\n\n\n\ndata: b\n\n\n'],
  ])('reads %s', (_what, text) => {
    const whole = read(text);
    const byByte = read(
      text,
      Array.from({ length: utf8.encode(text).length }, (_, at) => at),
    );

    expect(whole).toEqual([data('a'), data('b')]);
    expect(byByte).toEqual(whole);
  });

  it('joins several data lines with LF and keeps an empty one', () => {
    expect(read('data: a\ndata:\ndata: b\n\n')).toEqual([data('a\n\nb')]);
    expect(read('data:\n\n')).toEqual([data('')]);
    expect(read('data\n\n')).toEqual([data('')]);
  });

  it('takes away one space only', () => {
    expect(read('data:  two\n\n')).toEqual([data(' two')]);
  });

  it('gives comments where they stood and the name of an event', () => {
    expect(read(': OPENROUTER PROCESSING\n\nevent: error\ndata: x\n\n')).toEqual([
      { kind: 'comment', text: 'OPENROUTER PROCESSING' },
      { kind: 'data', data: 'x', event: 'error' },
    ]);
  });

  it('leaves U+2028, U+0085 and a later byte order mark inside data alone', () => {
    expect(read('data: a\u2028b\u0085c\uFEFFd\n\n')).toEqual([data('a\u2028b\u0085c\uFEFFd')]);
  });

  it('keeps a character whole that was cut in every place', () => {
    const text = 'data: Zürich 東京 🙂\n\n';

    for (let cut = 0; cut <= utf8.encode(text).length; cut += 1) {
      expect(read(text, [cut])).toEqual([data('Zürich 東京 🙂')]);
    }
  });

  it('does not take the LF of a CRLF across chunks for a blank line', () => {
    const parser = new SseParser();

    const first = parser.push(utf8.encode('data: a\r'));
    const second = parser.push(utf8.encode('\n'));
    const third = parser.push(utf8.encode('data: b\r\n\r\n'));

    expect([...first, ...second]).toEqual([]);
    expect(third).toEqual([data('a\nb')]);
  });

  it('does not forget the LF that ends a line begun right after a CR', () => {
    expect(read('data: a\rdata: b\ndata: c\n\n', ['data: a\rdata: b'.length])).toEqual([data('a\nb\nc')]);
  });

  it('says overflow once for a line without end, then drops everything', () => {
    const parser = new SseParser(64);
    const flood = utf8.encode('x'.repeat(40));

    const items = [...parser.push(flood), ...parser.push(flood), ...parser.push(flood)];

    expect(items).toEqual([{ kind: 'overflow' }]);
    expect(parser.push(utf8.encode('\n\ndata: a\n\n'))).toEqual([]);
    expect(parser.end()).toEqual([]);
  });

  it('says overflow for an event of many small lines', () => {
    const items = read('data: 0123456789\n'.repeat(3));
    const limited = parse(utf8.encode('data: 0123456789\n'.repeat(30)), [5, 90], 64);

    expect(items).toHaveLength(1);
    expect(limited).toEqual([{ kind: 'overflow' }]);
  });

  it('reads any text cut anywhere as the standard does', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'data: a',
        'data:b',
        'data',
        'data:',
        'data: {"x":"é🙂"}',
        ': ping',
        'event: e',
        'id: 1',
        'datax: no',
        '',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `data: ${text.replace(/[\r\n]/g, '')}`),
    );
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\n', '\r\n', '\r', '\n\n')), { maxLength: 30 })
      .map((parts) => parts.map(([text, end]) => text + end).join(''));

    fc.assert(
      fc.property(fc.boolean(), stream, fc.array(fc.nat({ max: 2000 }), { maxLength: 40 }), (bom, text, cuts) => {
        const bytes = utf8.encode(`${bom ? '\uFEFF' : ''}${text}`);

        const found = parse(bytes, cuts).flatMap((item) => (item.kind === 'data' ? [item.data] : []));

        expect(found).toEqual(reference(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)));
      }),
      { numRuns: 3000 },
    );
  });
});
