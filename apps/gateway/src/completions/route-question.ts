import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { lastUserText } from '#openai-wire/domain/text-of-content.js';
import type { RouteQuestion } from '#routing/ports/router.js';
import type { RequestContext } from './request-context.js';

const PROMPT_CHARACTERS_MAX = 4_000;

/** What routing may see of a request. The prompt is read only when a rule or the classifier asks for it. */
export function routeQuestion(context: RequestContext): RouteQuestion {
  const body = context.body as ChatRequest;
  return {
    requestedModel: body.model,
    header: context.headers,
    promptText: () => promptText(context),
    allowedModels: context.key.models,
    fallbackModels: fallbackModels(body),
    seed: context.receiptId,
    ...providerPreferences(body['provider']),
  };
}

function promptText(context: RequestContext): string {
  if (context.api !== 'chat.completions') return '';
  return lastUserText((context.body as ChatRequest).messages).slice(0, PROMPT_CHARACTERS_MAX);
}

/** OpenRouter's `provider{order,only,ignore,allow_fallbacks}`; what is malformed of it is not a wish. */
function providerPreferences(wish: unknown): Pick<RouteQuestion, 'providerPreferences'> {
  if (typeof wish !== 'object' || wish === null) return {};
  const { order, only, ignore, allow_fallbacks } = wish as Record<string, unknown>;
  return {
    providerPreferences: {
      ...(isNames(order) ? { order } : {}),
      ...(isNames(only) ? { only } : {}),
      ...(isNames(ignore) ? { ignore } : {}),
      allowFallbacks: allow_fallbacks !== false,
    },
  };
}

const isNames = (list: unknown): list is readonly string[] =>
  Array.isArray(list) && list.length <= 32 && list.every((name) => typeof name === 'string');

/** OpenRouter's `models[]` and LiteLLM's `fallbacks` (names, or `{model: [...]}` maps of which the names are taken). */
function fallbackModels(body: ChatRequest): readonly string[] {
  const names: string[] = [];
  for (const list of [body['models'], body['fallbacks']]) {
    if (!Array.isArray(list)) continue;
    for (const item of list as unknown[]) {
      if (typeof item === 'string') names.push(item);
      else if (typeof item === 'object' && item !== null) {
        for (const value of Object.values(item)) {
          if (Array.isArray(value)) names.push(...value.filter((name): name is string => typeof name === 'string'));
        }
      }
    }
  }
  return names.slice(0, 16);
}
