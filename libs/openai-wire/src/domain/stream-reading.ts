/** The JSON object of one event, as parsed. */
export type StreamChunk = Readonly<Record<string, unknown>>;

/**
 * What one event of a stream is.
 *
 * - `content`: carries something a client shows or acts on; the commit point of a stream
 * - `finish`: no content, but a choice has ended; commits as well
 * - `usage`: a usage block and no choices
 * - `lifecycle`: role frames, empty deltas, unknown objects; may be held back
 * - `done`: `[DONE]`
 * - `error`: an error frame, or `finish_reason: "error"`
 * - `malformed`: no JSON object; must not be passed on
 */
type StreamReadingKind = 'content' | 'finish' | 'usage' | 'lifecycle' | 'done' | 'error' | 'malformed';

export interface StreamReading {
  readonly kind: StreamReadingKind;
  /** Parsed once, here; `null` for `done` and `malformed`. */
  readonly chunk: StreamChunk | null;
  /** The last choice's reason that is not null. Stands beside content as well. */
  readonly finishReason: string | null;
  /** A usage object wherever it stood: alone, beside choices, on every chunk (then the last one counts). */
  readonly usage: Readonly<Record<string, unknown>> | null;
  /** The provider's error value, for `classify`; never for a client. `null` unless `error`. */
  readonly error: unknown;
}

const DONE: StreamReading = { kind: 'done', chunk: null, finishReason: null, usage: null, error: null };
const MALFORMED: StreamReading = { kind: 'malformed', chunk: null, finishReason: null, usage: null, error: null };

/** Does this event settle that the answer is on its way, so that nothing may be retried any more? */
export const isCommit = (reading: StreamReading): boolean => reading.kind === 'content' || reading.kind === 'finish';

/**
 * Reads one event's data. Never throws. The parse is the only proof that the text may be passed on, so it is always
 * made, once; only `[DONE]` and what cannot be an object are told by their text.
 */
export function readStreamData(data: string): StreamReading {
  if (data.charCodeAt(0) !== 123) {
    const text = data.trim();
    if (text === '[DONE]') return DONE;
    if (text.charCodeAt(0) !== 123) return MALFORMED;
  }
  let chunk: StreamChunk;
  try {
    chunk = JSON.parse(data) as StreamChunk;
  } catch {
    return MALFORMED;
  }
  const usage = isObject(chunk['usage']) ? chunk['usage'] : null;
  const error = errorOf(chunk);
  if (error !== null) return { kind: 'error', chunk, finishReason: null, usage, error };
  const choices = chunk['choices'];
  if (!Array.isArray(choices) || choices.length === 0) {
    return { kind: usage === null ? 'lifecycle' : 'usage', chunk, finishReason: null, usage, error: null };
  }
  let finishReason: string | null = null;
  let content = false;
  for (const choice of choices as readonly unknown[]) {
    if (!isObject(choice)) continue;
    const reason = choice['finish_reason'];
    if (reason === 'error') {
      return { kind: 'error', chunk, finishReason: 'error', usage, error: choice['error'] ?? { message: 'error' } };
    }
    if (typeof reason === 'string' && reason !== '') finishReason = reason;
    if (!content) content = bearsContent(choice);
  }
  const kind = content ? 'content' : finishReason === null ? 'lifecycle' : 'finish';
  return { kind, chunk, finishReason, usage, error: null };
}

/** Providers put the error at the top, or send `{"object":"error","message":…}` (vLLM). */
function errorOf(chunk: StreamChunk): unknown {
  const { error } = chunk;
  if (error !== undefined && error !== null && error !== false && error !== '') return error;
  return chunk['object'] === 'error' ? chunk : null;
}

function bearsContent(choice: Readonly<Record<string, unknown>>): boolean {
  const { delta } = choice;
  // Legacy completions carry `text` beside the choice; some hosts send a whole `message` in one chunk.
  if (!isObject(delta)) return filled(choice['text']) || (isObject(choice['message']) && fieldsBear(choice['message']));
  return fieldsBear(delta);
}

function fieldsBear(delta: Readonly<Record<string, unknown>>): boolean {
  return (
    filled(delta['content']) ||
    filled(delta['tool_calls']) ||
    filled(delta['reasoning_content']) ||
    filled(delta['reasoning']) ||
    filled(delta['refusal']) ||
    filled(delta['reasoning_details']) ||
    filled(delta['audio']) ||
    filled(delta['images']) ||
    filled(delta['function_call'])
  );
}

function filled(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) && Object.keys(value).length > 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
