import type { ApiKey } from '#access/ports/key-ring.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Api } from '#events/domain/receipt.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import { RouterError } from '#events/domain/router-error.js';

/** One client request past authentication, with what its headers wish for. */
export interface RequestContext {
  readonly receiptId: ReceiptId;
  readonly api: Api;
  readonly key: ApiKey;
  readonly headers: HeaderReader;
  /** `null` when the body did not parse or check; `problem` then says why. */
  readonly body: ChatRequest | EmbeddingsRequest | null;
  readonly problem: RouterError | null;
  readonly rawBody: Uint8Array;
  readonly acceptedMs: number;
  readonly startedMonotonicMs: number;
  readonly traceId: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Lower-case name → value. */
export type HeaderReader = (name: string) => string | undefined;

const TAGS_MAX = 16;
const TAG_BYTES_MAX = 4_096;

/** Reads `x-nextmodel-tags: a=b,c=d` and LiteLLM's `metadata.tags` (`["a=b", "c"]`; a bare tag becomes `c=`). What is beyond 16 tags or 4 KiB is left out. */
export function readTags(header: string | undefined, body: unknown): Record<string, string> {
  const pairs = header === undefined ? [] : header.split(',');
  const metadata = typeof body === 'object' && body !== null ? (body as { metadata?: unknown }).metadata : undefined;
  const listed = typeof metadata === 'object' && metadata !== null ? (metadata as { tags?: unknown }).tags : undefined;
  if (Array.isArray(listed)) pairs.push(...listed.filter((tag): tag is string => typeof tag === 'string'));
  const tags: [string, string][] = [];
  let bytes = 0;
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const name = (cut < 0 ? pair : pair.slice(0, cut)).trim();
    const value = cut < 0 ? '' : pair.slice(cut + 1).trim();
    if (name === '' || tags.length >= TAGS_MAX) continue;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (bytes > TAG_BYTES_MAX) break;
    tags.push([name, value]);
  }
  return Object.fromEntries(tags);
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Trace id of W3C `traceparent`; a receipt without one is its own trace. */
export function readTraceId(header: string | undefined, receiptId: ReceiptId): string {
  const match = header === undefined ? null : TRACEPARENT.exec(header);
  return match?.[1] ?? receiptId.replaceAll('-', '');
}

/** Positive whole number of a header; a malformed one is the client's mistake and is said. */
export function readPositiveInteger(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RouterError({
    code: 'invalid_request',
    publicMessage: `Header ${name} must be a positive whole number.`,
    httpStatus: 400,
    param: name,
  });
}

/** `x-stainless-retry-count` of the OpenAI SDKs; `null` when it is absent or no small whole number. */
export function readRetryCount(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : null;
}

const SESSION_CHARACTERS_MAX = 128;

/** `x-nextmodel-session`, cut at 128 characters; `null` when it is absent or empty. */
export function readSessionId(text: string | undefined): string | null {
  const session = text?.trim().slice(0, SESSION_CHARACTERS_MAX) ?? '';
  return session === '' ? null : session;
}
