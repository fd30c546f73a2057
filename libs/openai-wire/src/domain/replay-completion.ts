type Fields = Readonly<Record<string, unknown>>;

export interface ReplayOptions {
  /** Adds the usage chunk that a client gets who asked with `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** Longest piece of text in one chunk, in characters; default 256. Pieces break after white space. */
  readonly pieceChars?: number;
}

/**
 * Data of the chunks that stream a finished completion, in OpenAI's grammar: role frame, reasoning, content, tool
 * calls, finish, usage. `[DONE]` is the caller's. Folding the chunks again gives the same completion.
 */
export function replayAsChunks(completion: Fields, options: ReplayOptions): string[] {
  const { choices, usage, object: _object, ...top } = completion;
  const head = { ...top, object: 'chat.completion.chunk' };
  const rest = options.includeUsage ? { usage: null } : {};
  const pieceChars = options.pieceChars ?? 256;
  const chunks: string[] = [];
  for (const choice of Array.isArray(choices) ? (choices as readonly unknown[]) : []) {
    if (!isFields(choice)) continue;
    const { message, finish_reason, index, logprobs } = choice;
    const say = (delta: Fields, more: Fields = {}): void => {
      const piece = { index: index ?? 0, delta, logprobs: null, finish_reason: null, ...more };
      chunks.push(JSON.stringify({ ...head, choices: [piece], ...rest }));
    };
    for (const delta of deltas(isFields(message) ? message : {}, pieceChars)) say(delta);
    say({}, { finish_reason: finish_reason ?? 'stop', logprobs: logprobs ?? null });
  }
  if (options.includeUsage && isFields(usage)) chunks.push(JSON.stringify({ ...head, choices: [], usage }));
  return chunks;
}

/** A completion as the caller wants it: the JSON body, or the data of its chunks. */
export function replayCompletion(completion: Fields, options: ReplayOptions & { readonly stream: false }): string;
export function replayCompletion(completion: Fields, options: ReplayOptions & { readonly stream: true }): string[];
export function replayCompletion(
  completion: Fields,
  options: ReplayOptions & { readonly stream: boolean },
): string | string[] {
  return options.stream ? replayAsChunks(completion, options) : JSON.stringify(completion);
}

function* deltas(message: Fields, pieceChars: number): Generator<Fields> {
  const { role, content, refusal, reasoning, reasoning_content, tool_calls, ...others } = message;
  yield { role: role ?? 'assistant', content: content === null || content === undefined ? null : '', refusal: null };
  for (const [name, text] of Object.entries({ reasoning, reasoning_content, content, refusal })) {
    if (typeof text !== 'string') continue;
    for (const piece of pieces(text, pieceChars)) yield { [name]: piece };
  }
  const kept = Object.entries(others).filter(([, value]) => value !== null && value !== undefined);
  if (kept.length > 0) yield Object.fromEntries(kept);
  if (!Array.isArray(tool_calls)) return;
  for (const [index, call] of (tool_calls as readonly unknown[]).entries()) {
    if (!isFields(call)) continue;
    const run = isFields(call['function']) ? call['function'] : null;
    if (run === null) yield { tool_calls: [{ index, ...call }] };
    else {
      yield { tool_calls: [{ index, ...call, function: { ...run, arguments: '' } }] };
      yield { tool_calls: [{ index, function: { arguments: run['arguments'] ?? '' } }] };
    }
  }
}

/** Cuts after white space where there is some, and never inside a surrogate pair. */
function* pieces(text: string, chars: number): Generator<string> {
  let at = 0;
  while (at < text.length) {
    let end = Math.min(at + chars, text.length);
    if (end < text.length) {
      const space = text.lastIndexOf(' ', end - 1);
      if (space > at) end = space + 1;
      else if (isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    }
    yield text.slice(at, end);
    at = end;
  }
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
