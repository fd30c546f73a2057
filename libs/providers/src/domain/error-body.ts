/** What could be read out of a provider's error body. All of it is hostile text. */
export interface ErrorReading {
  readonly message: string;
  /** `type` and `code` as they came, lower-case; empty when not given. */
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  /** A status inside the body (OpenRouter's `error.code`, Google's `error.code`); `null` when there is none. */
  readonly status: number | null;
}

type Fields = Readonly<Record<string, unknown>>;
const NOTHING: ErrorReading = { message: '', type: '', code: '', param: null, status: null };

/**
 * Reads the shapes that providers use: `{"error":{…}}`, `{"error":"text"}`, `[{"error":{…}}]` (Google),
 * `{"object":"error",…}` (vLLM), `{"message":…}`, `{"detail":…}` (FastAPI), and an error of a provider behind a router
 * as JSON text in `error.metadata.raw` (OpenRouter). Never throws.
 */
export function readErrorBody(bodyText: string): ErrorReading {
  const start = bodyText.trimStart();
  if (start[0] !== '{' && start[0] !== '[') return { ...NOTHING, message: '' };
  let parsed: unknown;
  try {
    parsed = JSON.parse(bodyText);
  } catch {
    return NOTHING;
  }
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!isFields(body)) return NOTHING;
  const inner = body['error'] ?? body;
  if (typeof inner === 'string') return { ...NOTHING, message: inner, code: text(body['code']).toLowerCase() };
  if (!isFields(inner)) return NOTHING;
  const outer = readFields(inner);
  const metadata = inner['metadata'];
  const raw = isFields(metadata) ? metadata['raw'] : undefined;
  if (typeof raw !== 'string' || raw.length > 65_536 || !raw.trimStart().startsWith('{')) return outer;
  const behind = readErrorBody(raw);
  return {
    message: `${outer.message} ${behind.message}`.trim(),
    type: behind.type || outer.type,
    code: behind.code || outer.code,
    param: outer.param ?? behind.param,
    status: outer.status ?? behind.status,
  };
}

function readFields(error: Fields): ErrorReading {
  const { code, param } = error;
  const number = typeof code === 'number' ? code : typeof error['status'] === 'number' ? error['status'] : null;
  const words = text(code) || text(error['status']);
  const numeric = /^[1-5]\d\d$/.test(words) ? Number(words) : number;
  return {
    message: text(error['message']) || text(error['detail']) || text(error['msg']),
    type: text(error['type']).toLowerCase(),
    code: words.toLowerCase(),
    param: typeof param === 'string' && param !== '' ? param : null,
    status: numeric !== null && numeric >= 300 && numeric <= 599 ? numeric : null,
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
