/** What the router takes from a whole JSON answer. The text itself is passed through. */
export interface CompletionReading {
  readonly ok: true;
  readonly body: Readonly<Record<string, unknown>>;
  readonly id: string | null;
  readonly model: string | null;
  /** Of the first choice; `null` for embeddings. */
  readonly finishReason: string | null;
  readonly usage: Readonly<Record<string, unknown>> | null;
  /** The tier that served, which may not be the one asked for. */
  readonly serviceTier: string | null;
}

/** Why a 200 is no answer. All but `error` are `upstream_bad_response`; `error` is classified by its inner code. */
export interface BadCompletion {
  readonly ok: false;
  readonly reason: 'empty' | 'html' | 'not_json' | 'wrong_shape' | 'no_choices' | 'error';
  /** The provider's error value when there is one; for `classify`, never for a client. */
  readonly error: unknown;
}

type Body = Readonly<Record<string, unknown>>;
const bad = (reason: BadCompletion['reason'], error: unknown = null): BadCompletion => ({ ok: false, reason, error });

/** Checks the body of a 200 answer to a chat call. Never throws. */
export function readCompletion(text: string): CompletionReading | BadCompletion {
  const body = readBody(text);
  if ('ok' in body) return body;
  const { choices } = body.value;
  if (!Array.isArray(choices)) return bad('wrong_shape');
  if (choices.length === 0) return bad('no_choices');
  for (const choice of choices as readonly unknown[]) {
    if (!isObject(choice)) return bad('wrong_shape');
    if (choice['finish_reason'] === 'error') return bad('error', choice['error'] ?? { message: 'error' });
    if (!isObject(choice['message']) && typeof choice['text'] !== 'string') return bad('wrong_shape');
  }
  const reason = (choices[0] as Body)['finish_reason'];
  return reading(body.value, typeof reason === 'string' ? reason : null);
}

/** Checks the body of a 200 answer to an embeddings call. Vectors may be arrays or base64. */
export function readEmbeddings(text: string): CompletionReading | BadCompletion {
  const body = readBody(text);
  if ('ok' in body) return body;
  const { data } = body.value;
  if (!Array.isArray(data)) return bad('wrong_shape');
  if (data.length === 0) return bad('no_choices');
  for (const item of data as readonly unknown[]) {
    if (!isObject(item)) return bad('wrong_shape');
    const { embedding } = item;
    if (!Array.isArray(embedding) && typeof embedding !== 'string') return bad('wrong_shape');
    if (embedding.length === 0) return bad('wrong_shape');
  }
  return reading(body.value, null);
}

function readBody(text: string): BadCompletion | { readonly value: Body } {
  const start = text.trimStart();
  if (start === '') return bad('empty');
  if (start.charCodeAt(0) === 60) return bad('html');
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return bad('not_json');
  }
  if (!isObject(value)) return bad('wrong_shape');
  const { error } = value;
  if (error !== undefined && error !== null && error !== false && error !== '') return bad('error', error);
  if (value['object'] === 'error') return bad('error', value);
  return { value };
}

function reading(body: Body, finishReason: string | null): CompletionReading {
  return {
    ok: true,
    body,
    id: textOrNull(body['id']),
    model: textOrNull(body['model']),
    finishReason,
    usage: isObject(body['usage']) ? body['usage'] : null,
    serviceTier: textOrNull(body['service_tier']),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
