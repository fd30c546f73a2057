import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { CLIENT_KEY } from '../../../../tools/reliability/gateway-process.js';

export interface Ask {
  readonly port: number;
  readonly model: string;
  readonly key?: string;
  /** Members of the body beside model and messages. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Instead of a body of ours. */
  readonly raw?: string;
  readonly path?: string;
  /** Beside authorization; repeated names are allowed. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The cache is out of it, unless told otherwise. */
  readonly cached?: boolean;
}

export interface Told {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly code: string | null | undefined;
  readonly receiptId: string | undefined;
}

/** `HEADERS_OF_ITS_OWN` more headers than the ask names go out. */
export const HEADERS_OF_ITS_OWN = 5;

/** One request over a connection of its own. */
export function send({
  port,
  model,
  key = CLIENT_KEY,
  extra,
  raw,
  path = '',
  headers = [],
  cached,
}: Ask): Promise<Told> {
  const body = raw ?? bodyOf(model, extra);
  const flat = [
    ['host', 'gateway'],
    ['connection', 'close'],
    ['authorization', `Bearer ${key}`],
    ['content-length', String(Buffer.byteLength(body))],
    ['x-nextmodel-cache', cached === true ? 'max-age=600' : 'no-cache, no-store'],
    ...headers,
  ];
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: `/v1/chat/completions${path}`,
        agent: new Agent({ keepAlive: false }),
        headers: flat.flat() as unknown as Record<string, string>,
        setHost: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          const receiptId = response.headers['x-nextmodel-receipt-id'] as string | undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, code: codeOf(text), receiptId });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export function bodyOf(model: string, extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }], ...extra });
}

/** Code of the error in the body, or of the last frame of a stream; `undefined` = no error in the one shape. */
function codeOf(text: string): string | null | undefined {
  const last = text.split('\n\n').findLast((frame) => frame.startsWith('data: {"error"'));
  try {
    const { error } = JSON.parse(last?.slice(6) ?? text) as { error?: Record<string, unknown> };
    const whole = error !== undefined && ['message', 'type', 'param', 'code'].every((name) => name in error);
    return whole ? (error['code'] as string | null) : undefined;
  } catch {
    return undefined;
  }
}

/** Sends bytes as they are, leaves the connection open, and gives what came back once the other side has closed. */
export function sendBytes(port: number, bytes: string): Promise<{ readonly text: string; readonly tookMs: number }> {
  const beganMs = performance.now();
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ text, tookMs: performance.now() - beganMs }));
  });
}
