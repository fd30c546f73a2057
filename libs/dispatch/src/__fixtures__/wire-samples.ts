/** What a well-behaved upstream says; the text has everything that breaks careless parsers. */
export const ANSWER_TEXT = 'Héllo 🌍 — naïve “quotes”\u2028end';
const PIECES = ['Héllo', ' 🌍', ' — ', 'naïve', ' “quotes”', '\u2028', 'end'];

export const USAGE = {
  prompt_tokens: 11,
  completion_tokens: 7,
  total_tokens: 18,
  prompt_tokens_details: { cached_tokens: 3 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

const base = { id: 'chatcmpl-x1', created: 1_700_000_000, model: 'm' };

export const completionJson = (over: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: ANSWER_TEXT, refusal: null }, finish_reason: 'stop' }],
    usage: USAGE,
    ...over,
  });

export const embeddingsJson = (): string =>
  JSON.stringify({
    object: 'list',
    model: 'm',
    data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  });

export const chunkJson = (delta: object, finishReason: string | null = null, over: object = {}): string =>
  JSON.stringify({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...over,
  });

export const usageChunkJson = (): string =>
  JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage: USAGE });

export const errorJson = (message: string, type = 'server_error', code: string | null = null): string =>
  JSON.stringify({ error: { message, type, param: null, code } });

/** Data of the events of a whole stream, `[DONE]` included unless it is switched off. */
export function streamEvents({ usage = true, done = true } = {}): string[] {
  const events = [chunkJson({ role: 'assistant', content: '' })];
  for (const piece of PIECES) events.push(chunkJson({ content: piece }));
  events.push(chunkJson({}, 'stop'));
  if (usage) events.push(usageChunkJson());
  if (done) events.push('[DONE]');
  return events;
}

export const sse = (events: readonly string[], separator = '\n\n', prefix = 'data: '): string =>
  events.map((event) => prefix + event + separator).join('');
