import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { estimatePromptTokens, estimateTokens } from '#openai-wire/domain/estimate-tokens.js';
import { toOpenAiUsage, type OpenAiUsage } from '#openai-wire/domain/usage-view.js';
import { demoAnswer, hash, type DemoAnswer } from './demo-answer.js';

/** Members that every chunk and body of one call share. */
export interface DemoHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: 'fp_demo';
  readonly service_tier: 'default';
}

export interface DemoCompletion {
  readonly answers: readonly DemoAnswer[];
  readonly usage: OpenAiUsage;
}

/** Data of one chunk, and how long the demo thinks before it. */
export interface DemoPiece {
  readonly waitMs: number;
  readonly data: string;
}

export function demoCompletion(body: ChatRequest): DemoCompletion {
  const wanted = typeof body['n'] === 'number' ? body['n'] : 1;
  const answers = Array.from({ length: Math.min(8, Math.max(1, wanted)) }, (_, at) => demoAnswer(body, at));
  const text = answers.map(({ content, toolCalls }) => content ?? JSON.stringify(toolCalls)).join('');
  const usage = toOpenAiUsage({
    input_uncached: estimatePromptTokens(body),
    output_text: Math.max(1, estimateTokens(text)),
  });
  return { answers, usage };
}

/** The time a whole answer takes: thinking, and then a little for each word. Always the same for the same request. */
export function demoDelayMs(body: ChatRequest, completion: DemoCompletion): number {
  return firstTokenMs(body) + completion.usage.completion_tokens;
}

export function demoBody(head: DemoHead, { answers, usage }: DemoCompletion): object {
  const choices = answers.map(({ content, toolCalls, finishReason }, index) => ({
    index,
    message: {
      role: 'assistant',
      content,
      refusal: null,
      annotations: [],
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
    logprobs: null,
    finish_reason: finishReason,
  }));
  return { ...head, object: 'chat.completion', choices, usage };
}

/** The same answer as chunks: the first after 30 to 80 ms, the others 10 to 20 ms apart. */
export function* demoPieces(body: ChatRequest, head: DemoHead, completion: DemoCompletion): Generator<DemoPiece> {
  const wantsUsage = body.stream_options?.include_usage === true;
  const rest = wantsUsage ? { usage: null } : {};
  let count = 0;
  const piece = (delta: object, index: number, finish: string | null = null): DemoPiece => {
    const choices = [{ index, delta, logprobs: null, finish_reason: finish }];
    const data = JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...rest });
    const waitMs = count === 0 ? firstTokenMs(body) : 10 + (hash(`${head.model}${count}`) % 11);
    count += 1;
    return { waitMs: finish === null ? waitMs : 0, data };
  };
  for (const [index, { content, toolCalls, finishReason }] of completion.answers.entries()) {
    yield piece({ role: 'assistant', content: content === null ? null : '', refusal: null }, index);
    for (const text of content?.match(/\s*\S+(\s+\S+)?/g) ?? []) yield piece({ content: text }, index);
    for (const [at, call] of toolCalls.entries()) {
      const { arguments: written, name } = call.function;
      yield piece({ tool_calls: [{ ...call, index: at, function: { name, arguments: '' } }] }, index);
      for (const text of written.match(/.{1,12}/gsu) ?? []) {
        yield piece({ tool_calls: [{ index: at, function: { arguments: text } }] }, index);
      }
    }
    yield piece({}, index, finishReason);
  }
  if (!wantsUsage) return;
  const last = { ...head, object: 'chat.completion.chunk', choices: [], usage: completion.usage };
  yield { waitMs: 0, data: JSON.stringify(last) };
}

const firstTokenMs = (body: ChatRequest): number => 30 + (hash(JSON.stringify(body.messages)) % 51);
