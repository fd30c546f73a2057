import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { OpenAI } from 'openai';

/** What a client made of an answer, in terms that all of them share. */
export interface Told {
  readonly text: string;
  readonly toolCalls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly totalTokens: number | undefined;
}

export interface Question {
  readonly model: string;
  readonly text: string;
  readonly imageUrl?: string;
  readonly tools?: boolean;
  readonly schema?: boolean;
  /** The caller leaves so long after it asked. */
  readonly leaveAfterMs?: number;
}

/** A client library as its users call it. All of them reject for what went wrong. */
export interface RealClient {
  readonly name: string;
  whole(question: Question): Promise<Told>;
  streamed(question: Question): Promise<Told>;
}

const CITY = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const;
const DESCRIPTION = 'The weather of a city';

// oxlint-disable unicorn/consistent-function-scoping -- each client reads on its own
const toolCall = (name: string, text: string): Told['toolCalls'][number] => ({
  name,
  arguments: JSON.parse(text) as unknown,
});

export function openAiClient(baseURL: string, apiKey: string): RealClient {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const body = ({ model, text, imageUrl, tools, schema }: Question) => ({
    model,
    messages: [
      {
        role: 'user' as const,
        content:
          imageUrl === undefined
            ? text
            : [
                { type: 'text' as const, text },
                { type: 'image_url' as const, image_url: { url: imageUrl } },
              ],
      },
    ],
    ...(tools === true
      ? {
          tools: [
            {
              type: 'function' as const,
              function: { name: 'weather', description: DESCRIPTION, parameters: { ...CITY } },
            },
          ],
        }
      : {}),
    ...(schema === true
      ? {
          response_format: {
            type: 'json_schema' as const,
            json_schema: { name: 'city', strict: true, schema: { ...CITY } },
          },
        }
      : {}),
  });
  const told = (completion: OpenAI.ChatCompletion): Told => {
    const message = completion.choices[0]?.message;
    const calls = (message?.tool_calls ?? []).filter((call) => call.type === 'function');
    return {
      text: message?.content ?? '',
      toolCalls: calls.map((call) => toolCall(call.function.name, call.function.arguments)),
      totalTokens: completion.usage?.total_tokens,
    };
  };
  return {
    name: 'openai',
    whole: async (question) => told(await client.chat.completions.create(body(question), options(question))),
    streamed: async (question) => {
      const stream = client.chat.completions.stream(
        { ...body(question), stream_options: { include_usage: true } },
        options(question),
      );
      return told(await stream.finalChatCompletion());
    },
  };
}

/** The plain iterator of the official client, which accepts more than its `.stream()`. */
export function openAiIterator(baseURL: string, apiKey: string): RealClient {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  return {
    ...openAiClient(baseURL, apiKey),
    name: 'openai, iterated',
    streamed: async (question) => {
      const stream = await client.chat.completions.create(
        {
          model: question.model,
          stream: true,
          stream_options: { include_usage: true },
          messages: [{ role: 'user', content: question.text }],
        },
        options(question),
      );
      let [text, totalTokens]: [string, number | undefined] = ['', undefined];
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        totalTokens = chunk.usage?.total_tokens ?? totalTokens;
      }
      return { text, toolCalls: [], totalTokens };
    },
  };
}

export function aiSdkClient(baseURL: string, apiKey: string): RealClient {
  const provider = createOpenAICompatible({
    name: 'gateway',
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const call = ({ model, text, imageUrl, tools, schema, leaveAfterMs }: Question) => ({
    model: provider(model),
    maxRetries: 0,
    messages: [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text },
          ...(imageUrl === undefined ? [] : [{ type: 'image' as const, image: new URL(imageUrl) }]),
        ],
      },
    ],
    ...(tools === true
      ? { tools: { weather: tool({ description: DESCRIPTION, inputSchema: jsonSchema({ ...CITY }) }) } }
      : {}),
    ...(schema === true ? { output: Output.object({ schema: jsonSchema({ ...CITY }) }) } : {}),
    ...(leaveAfterMs === undefined ? {} : { abortSignal: AbortSignal.timeout(leaveAfterMs) }),
  });
  return {
    name: 'AI SDK',
    whole: async (question) => {
      const result = await generateText(call(question) as unknown as Parameters<typeof generateText>[0]);
      return {
        text: result.text,
        toolCalls: result.toolCalls.map(({ toolName, input }) => ({ name: toolName, arguments: input as unknown })),
        totalTokens: result.usage.totalTokens,
      };
    },
    streamed: async (question) => {
      const result = streamText({ ...call(question), onError: () => undefined } as unknown as Parameters<
        typeof streamText
      >[0]);
      let text = '';
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'abort') throw new Error('aborted');
        if (part.type === 'text-delta') text += part.text;
      }
      const [calls, usage] = await Promise.all([result.toolCalls, result.usage]);
      return {
        text,
        toolCalls: calls.map(({ toolName, input }) => ({ name: toolName, arguments: input as unknown })),
        totalTokens: usage.totalTokens,
      };
    },
  };
}

interface LangChainMessage {
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly name: string; readonly args: unknown }[];
  readonly usage_metadata?: { readonly total_tokens: number };
}

export function langChainClient(baseURL: string, apiKey: string): RealClient {
  const bound = ({ model, tools, schema }: Question) => {
    const chat = new ChatOpenAI({ model, apiKey, maxRetries: 0, streamUsage: true, configuration: { baseURL } });
    return chat.withConfig({
      ...(tools === true
        ? {
            tools: [
              { type: 'function', function: { name: 'weather', description: DESCRIPTION, parameters: { ...CITY } } },
            ],
          }
        : {}),
      ...(schema === true
        ? { response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema: { ...CITY } } } }
        : {}),
    });
  };
  const messages = ({ text, imageUrl }: Question) => [
    {
      role: 'user',
      content:
        imageUrl === undefined
          ? text
          : [
              { type: 'text', text },
              { type: 'image_url', image_url: { url: imageUrl } },
            ],
    },
  ];
  const told = (message: LangChainMessage): Told => ({
    text: typeof message.content === 'string' ? message.content : '',
    toolCalls: (message.tool_calls ?? []).map(({ name, args }) => ({ name, arguments: args })),
    totalTokens: message.usage_metadata?.total_tokens,
  });
  return {
    name: 'LangChain',
    whole: async (question) =>
      told((await bound(question).invoke(messages(question), options(question))) as unknown as LangChainMessage),
    streamed: async (question) => {
      const stream = await bound(question).stream(messages(question), options(question));
      const first = await stream.next();
      if (first.done === true) return { text: '', toolCalls: [], totalTokens: undefined };
      let message = first.value;
      for await (const chunk of stream) message = message.concat(chunk);
      return told(message as unknown as LangChainMessage);
    },
  };
}

const options = ({ leaveAfterMs }: Question): { signal?: AbortSignal } =>
  leaveAfterMs === undefined ? {} : { signal: AbortSignal.timeout(leaveAfterMs) };
