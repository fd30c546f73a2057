import { connect } from 'node:net';
import { CLIENT_KEY } from './gateway-process.js';

/** Raw bytes that proxies have been fooled with. */
export interface RawCase {
  readonly name: string;
  /** Pieces, each in a packet of its own. `{id}` and `{key}` are filled in. */
  readonly pieces: readonly string[];
  /** Each byte in a packet of its own. */
  readonly inBytes?: boolean;
  /** Calls upstream that are fine; never more than one for one request. */
  readonly callsMax: number;
  /** Wanted: refused with a status of these, or closed without one. `null` = any answer. */
  readonly statuses: readonly number[] | null;
}

const MARK = '{"model":"f:ok","messages":[{"role":"user","content":"T{id}"}]}';
const LENGTH = 'content-length: {length}';
const POST =
  'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n';
const REFUSED = [400, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505];
const inner = `${POST}${LENGTH}\r\n\r\n${MARK}`;
const chunked = (body: string): string => `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const refusedCase = (name: string, ...pieces: readonly string[]): RawCase => ({
  name,
  pieces,
  callsMax: 0,
  statuses: REFUSED,
});

export const RAW_CASES: readonly RawCase[] = [
  refusedCase('length and chunked', `${POST}${LENGTH}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`),
  refusedCase('chunked and length', `${POST}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${chunked(MARK)}`),
  refusedCase('two different lengths', `${POST}${LENGTH}\r\ncontent-length: 0\r\n\r\n${MARK}`),
  refusedCase('two equal lengths', `${POST}${LENGTH}\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase('a list as length', `${POST}content-length: {length}, {length}\r\n\r\n${MARK}`),
  refusedCase('a signed length', `${POST}content-length: +{length}\r\n\r\n${MARK}`),
  refusedCase('a negative length', `${POST}content-length: -1\r\n\r\n${MARK}`),
  refusedCase('a length in hex', `${POST}content-length: 0x3f\r\n\r\n${MARK}`),
  refusedCase('a length of 30 digits', `${POST}content-length: 999999999999999999999999999999\r\n\r\n${MARK}`),
  refusedCase('a folded header', `${POST}x-a: 1\r\n folded: 2\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase(
    'a folded transfer-encoding',
    `${POST}transfer-encoding:\r\n chunked\r\n${LENGTH}\r\n\r\n${chunked(MARK)}`,
  ),
  refusedCase('a space before the colon', `${POST}transfer-encoding : chunked\r\n\r\n${chunked(MARK)}`),
  refusedCase('chunked misspelt', `${POST}transfer-encoding: xchunked\r\n\r\n${chunked(MARK)}`),
  refusedCase(
    'chunked twice',
    `${POST}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunked(MARK)}`,
  ),
  refusedCase('chunked under a second coding', `${POST}transfer-encoding: chunked, identity\r\n\r\n${chunked(MARK)}`),
  refusedCase('a chunk size that is none', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n${MARK}\r\n0\r\n\r\n`),
  refusedCase('a chunk size that overflows', `${POST}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n${MARK}`),
  refusedCase('a chunk without its end', `${POST}transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n`),
  refusedCase('a NUL in a header', `${POST}x-a: a\u0000b\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase('a bare CR in a header', `${POST}x-a: a\rb: c\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase('a header without a name', `${POST}: value\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase('20 KiB of headers', `${POST}x-a: ${'a'.repeat(20_000)}\r\n${LENGTH}\r\n\r\n${MARK}`),
  refusedCase('a URL of 20 KiB', `POST /v1/${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
  refusedCase('an unknown version', `POST /v1/chat/completions HTTP/9.9\r\nhost: x\r\n\r\n`),
  refusedCase('no request at all', 'hello there\r\n\r\n'),
  refusedCase('TLS on a plain port', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'),
  refusedCase('CONNECT', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n'),
  refusedCase(
    'a body on GET that is a request',
    `GET /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n${LENGTH}\r\n\r\n${MARK}`,
  ),
  {
    ...refusedCase(
      'an absolute address',
      `POST http://127.0.0.1:1/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n${LENGTH}\r\n\r\n${MARK}`,
    ),
    callsMax: 1,
    statuses: null,
  },
  { name: 'two hosts', pieces: [`${POST}host: evil\r\n${LENGTH}\r\n\r\n${MARK}`], callsMax: 1, statuses: null },
  {
    name: '300 headers',
    pieces: [`${POST}${Array.from({ length: 300 }, (_, at) => `x-${at}: 1\r\n`).join('')}${LENGTH}\r\n\r\n${MARK}`],
    callsMax: 0,
    statuses: [431],
  },
  { name: 'a request in single bytes', pieces: [inner], inBytes: true, callsMax: 1, statuses: [200] },
  {
    name: 'a request with trailers',
    pieces: [
      `${POST}transfer-encoding: chunked\r\ntrailer: content-length\r\n\r\n${Buffer.byteLength(MARK).toString(16)}\r\n${MARK}\r\n0\r\ncontent-length: 5\r\n\r\n`,
    ],
    callsMax: 1,
    statuses: null,
  },
  {
    name: 'more than the length',
    pieces: [`${POST}${LENGTH}\r\n\r\n${MARK}GARBAGE\r\n\r\n`],
    callsMax: 1,
    statuses: null,
  },
  {
    name: 'hop-by-hop names',
    pieces: [
      `${POST}connection: authorization, content-length\r\nte: trailers\r\nupgrade: h2c\r\n${LENGTH}\r\n\r\n${MARK}`,
    ],
    callsMax: 1,
    statuses: null,
  },
  {
    name: 'expect 100',
    pieces: [`${POST}expect: 100-continue\r\n${LENGTH}\r\n\r\n${MARK}`],
    callsMax: 1,
    statuses: [100, 200],
  },
  {
    name: 'an expectation that nobody meets',
    pieces: [`${POST}expect: miracles\r\n${LENGTH}\r\n\r\n${MARK}`],
    callsMax: 1,
    statuses: null,
  },
];

export interface RawAnswer {
  /** Of the first answer; `null` = closed, or silent, without one. */
  readonly status: number | null;
  readonly answers: number;
}

/** Sends raw bytes; resolves when the other side closes or has been silent for `silentMs`. */
export function sendRaw(
  port: number,
  { pieces, inBytes = false }: RawCase,
  id: string,
  silentMs = 400,
): Promise<RawAnswer> {
  const length = Buffer.byteLength(MARK.replaceAll('{id}', id));
  const filled = pieces.map((piece) =>
    piece.replaceAll('{id}', id).replaceAll('{key}', CLIENT_KEY).replaceAll('{length}', String(length)),
  );
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
      resolve({ status: statuses[0] ?? null, answers: statuses.filter((status) => status >= 200).length });
    };
    let timer = setTimeout(finish, silentMs);
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1');
      timer.refresh();
    });
    socket.on('error', () => undefined).on('close', finish);
    socket.on('connect', () => {
      for (const bytes of filled.flatMap((piece) => (inBytes ? [...piece] : [piece])))
        socket.write(Buffer.from(bytes, 'latin1'));
    });
    timer = timer.refresh();
  });
}
