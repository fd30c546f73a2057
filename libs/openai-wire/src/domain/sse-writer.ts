const encoder = new TextEncoder();

/** Ends a stream that is whole. A broken one ends in an error frame and has no such line. */
export const SSE_DONE = 'data: [DONE]\n\n';
export const SSE_DONE_BYTES: Uint8Array = encoder.encode(SSE_DONE);

/** Headers of every stream we send; `x-accel-buffering` keeps proxies from holding it back. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** One event as text. Data with line ends, which no JSON of ours has, becomes several `data:` lines. */
export function sseEvent(data: string): string {
  if (data.includes('\n') || data.includes('\r')) {
    return `data: ${data.replace(/\r\n?|\n/g, '\ndata: ')}\n\n`;
  }
  return `data: ${data}\n\n`;
}

/** One event as bytes for a socket. */
export function sseEventBytes(data: string): Uint8Array {
  return encoder.encode(sseEvent(data));
}

/** A line that keeps a connection alive and that every client ignores. */
export function sseComment(text: string): string {
  return `: ${text.replace(/[\r\n]+/g, ' ')}\n\n`;
}
