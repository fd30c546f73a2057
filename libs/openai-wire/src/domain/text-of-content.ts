import type { ChatMessage } from './chat-request.js';

/**
 * The text of a message's content: a string as it is, text parts joined by LF, everything else (images, audio, files)
 * left out. Never throws.
 */
export function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts: string[] = [];
  for (const part of content as readonly unknown[]) {
    if (typeof part === 'string') texts.push(part);
    else if (typeof part === 'object' && part !== null) {
      const { text, refusal } = part as { readonly text?: unknown; readonly refusal?: unknown };
      if (typeof text === 'string') texts.push(text);
      else if (typeof refusal === 'string') texts.push(refusal);
    }
  }
  return texts.join('\n');
}

/** Text of the last user turn; empty when there is none. */
export function lastUserText(messages: readonly ChatMessage[]): string {
  const last = messages.findLast((message) => message.role === 'user');
  return last === undefined ? '' : textOfContent(last.content);
}
