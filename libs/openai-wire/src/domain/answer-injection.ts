import { showReceiptId } from '#events/domain/ids.js';
import { findMember, skipSpace } from './json-member.js';
import { costDetailsJson, costJson, type UsageCost } from './usage-view.js';

/**
 * Adds `cost` and `cost_details` to the usage object of a provider's JSON body or usage chunk and leaves every other
 * byte as it was: the answer is passed through, and the receipt proves it. A provider's own `cost` (OpenRouter) is
 * replaced in place; it stays on the receipt.
 *
 * @returns the text unchanged when it has no usage object or is no JSON object
 */
export function injectUsageCost(bodyText: string, cost: UsageCost): string {
  const usage = findMember(bodyText, 'usage', skipSpace(bodyText, 0));
  if (usage === 'missing') return bodyText;
  if (usage === 'odd') return reserialised(bodyText, (body) => withCost(body, cost));
  if (bodyText.charCodeAt(usage.valueStart) !== 123) return bodyText;
  const start = usage.valueStart;
  let text = setMember(bodyText, start, 'cost_details', costDetailsJson(cost));
  if (text !== null) text = setMember(text, start, 'cost', costJson(cost.costPicoUsd));
  return text ?? reserialised(bodyText, (body) => withCost(body, cost));
}

/**
 * Adds `"nextmodel":{"receipt_id":"rcpt_…"}` to a chunk (or any JSON object), all other bytes kept.
 * @param receiptId with or without `rcpt_`
 */
export function injectReceiptId(chunkData: string, receiptId: string): string {
  const shown = receiptId.startsWith('rcpt_') ? receiptId : showReceiptId(receiptId);
  const value = JSON.stringify({ receipt_id: shown });
  const start = skipSpace(chunkData, 0);
  if (chunkData.charCodeAt(start) !== 123) return chunkData;
  // Only an upstream that is a router of this kind has the name already; the search costs nothing otherwise.
  if (!chunkData.includes('nextmodel')) return insertFirst(chunkData, start, 'nextmodel', value);
  return (
    setMember(chunkData, start, 'nextmodel', value) ??
    reserialised(chunkData, (body) => ({ ...body, nextmodel: { receipt_id: shown } }))
  );
}

/**
 * Sets a top-level usage object to `null`: for chunks that carry usage beside content when the client did not ask for
 * it. All other bytes are kept; without such an object the text comes back as it was.
 */
export function hideUsage(chunkData: string): string {
  if (!chunkData.includes('"usage"')) return chunkData;
  const usage = findMember(chunkData, 'usage', skipSpace(chunkData, 0));
  if (typeof usage === 'string' || chunkData.charCodeAt(usage.valueStart) !== 123) return chunkData;
  return `${chunkData.slice(0, usage.valueStart)}null${chunkData.slice(usage.valueEnd)}`;
}

/** Replaces a member's value or inserts the member first; `null` when the text is odd. */
function setMember(text: string, objectStart: number, name: string, value: string): string | null {
  const member = findMember(text, name, objectStart);
  if (member === 'odd') return null;
  if (member === 'missing') return insertFirst(text, objectStart, name, value);
  return text.slice(0, member.valueStart) + value + text.slice(member.valueEnd);
}

function insertFirst(text: string, objectStart: number, name: string, value: string): string {
  const empty = text.charCodeAt(skipSpace(text, objectStart + 1)) === 125;
  return `${text.slice(0, objectStart + 1)}"${name}":${value}${empty ? '' : ','}${text.slice(objectStart + 1)}`;
}

type Body = Readonly<Record<string, unknown>>;

/** The way for texts that the scanner does not trust; the text itself when it is no JSON object. */
function reserialised(text: string, change: (body: Body) => Body): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return text;
  return JSON.stringify(change(body as Body));
}

function withCost(body: Body, cost: UsageCost): Body {
  const usage = body['usage'];
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return body;
  // A double here: only texts with escaped or broken member names come this way.
  const amount = cost.costPicoUsd === null ? null : Number(costJson(cost.costPicoUsd));
  return { ...body, usage: { ...usage, cost: amount, cost_details: JSON.parse(costDetailsJson(cost)) as unknown } };
}
