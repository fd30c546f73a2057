import { findMember, skipSpace } from '#openai-wire/domain/json-member.js';

const DATA = 'data:';

/**
 * The texts that an answer's commitment may be over, given what its client received: the gateway adds
 * `usage.cost`, `usage.cost_details` and, on a stream, `nextmodel.receipt_id` after it has committed itself.
 * A usage chunk of the gateway's own and an error frame are not part of the commitment either.
 *
 * @param received the body, or all of the event stream.
 * @param usageRaw the providers' usage blocks on the receipt: what stood where a cost was replaced.
 */
export function committedTexts(received: string, usageRaw: readonly unknown[]): readonly string[] {
  const frames = streamData(received);
  if (frames === null) return [received, ...withoutCost(received, usageRaw)];
  const first = frames[0];
  const last = frames.at(-1);
  if (first === undefined || last === undefined) return [''];
  const plain = [withoutReceiptId(first), ...frames.slice(1)];
  const head = plain.slice(0, -1).join('');
  const end = plain.at(-1) ?? '';
  return [head + end, ...withoutCost(end, usageRaw).map((text) => head + text), head];
}

/** The data of an event stream without its end mark; `null` when the text is none. */
function streamData(text: string): readonly string[] | null {
  if (!text.startsWith(DATA) && !text.startsWith(':')) return null;
  const frames: string[] = [];
  for (const block of text.replaceAll('\r\n', '\n').split('\n\n')) {
    const lines = block.split('\n').filter((line) => line.startsWith(DATA));
    const data = lines.map((line) => line.slice(DATA.length).replace(/^ /, '')).join('\n');
    if (lines.length > 0 && data !== '[DONE]') frames.push(data);
  }
  return frames;
}

function withoutReceiptId(data: string): string {
  const start = skipSpace(data, 0);
  return cutFirst(data, start, 'nextmodel') ?? data;
}

function withoutCost(text: string, usageRaw: readonly unknown[]): readonly string[] {
  const usage = findMember(text, 'usage', skipSpace(text, 0));
  if (typeof usage === 'string' || text[usage.valueStart] !== '{') return [];
  const start = usage.valueStart;
  let texts: readonly string[] = [text];
  // In the reverse order of their being added.
  for (const name of ['cost', 'cost_details']) texts = texts.flatMap((each) => undo(each, start, name, usageRaw));
  return texts.filter((each) => each !== text);
}

/** Removes a member that was put first, and puts back what a provider may have had in its place. */
function undo(text: string, start: number, name: string, usageRaw: readonly unknown[]): readonly string[] {
  const member = findMember(text, name, start);
  if (typeof member === 'string') return [text];
  const cut = cutFirst(text, start, name);
  const formers = usageRaw.flatMap((usage) => spellings((usage as Record<string, unknown> | null)?.[name]));
  const replaced = formers.map((former) => text.slice(0, member.valueStart) + former + text.slice(member.valueEnd));
  return cut === null ? [text, ...replaced] : [cut, ...replaced];
}

/** @returns `null` when the member is not the first of its object. */
function cutFirst(text: string, start: number, name: string): string | null {
  if (!text.startsWith(`"${name}":`, start + 1)) return null;
  const member = findMember(text, name, start);
  if (typeof member === 'string') return null;
  const end = text[member.valueEnd] === ',' ? member.valueEnd + 1 : member.valueEnd;
  return text.slice(0, start + 1) + text.slice(end);
}

/** How a provider may have written a value; numbers have more than one spelling. */
function spellings(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const text = JSON.stringify(value);
  if (typeof value !== 'number') return [text];
  const python = text.replace(/e-(\d)$/, 'e-0$1');
  const plain = value.toFixed(12).replace(/\.?0+$/, '');
  return [...new Set([text, python, plain, ...(Number.isInteger(value) ? [`${text}.0`] : [])])];
}
