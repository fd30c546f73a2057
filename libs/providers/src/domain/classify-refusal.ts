import type { FailureClass, UpstreamRefusal } from './failure-class.js';
import { readErrorBody, type ErrorReading } from './error-body.js';
import { BY_STATUS, FAILURES, STATUS_OF_TYPE, type FailureName } from './failure-table.js';
import type { RefusalSigns, Signs } from './refusal-signs.js';
import { retryAfterMs } from './retry-after.js';

/** A rate limit is waited out on the same target only when the wait is this short. */
const SHORT_WAIT_MS = 2_000;
/** The message is looked at up to here: it may quote a whole prompt. */
const MESSAGE_CHARS = 4_000;

/**
 * Decides what a refusal means, by the table. Nothing of the provider's text reaches the client but names: its code,
 * the field at fault and the size of the context, each checked for its shape.
 * @param nowMs for HTTP dates in `retry-after`
 */
export function classifyRefusal(refusal: UpstreamRefusal, nowMs: number, signs: RefusalSigns): FailureClass {
  const error = readErrorBody(refusal.bodyText);
  const status = effectiveStatus(refusal.status, error);
  const name = nameOf(status, error, signs);
  const row = FAILURES[name];
  const waitMs = retryAfterMs(refusal.headers, nowMs);
  const param = safeName(error.param);
  return {
    ...row,
    retrySame: name === 'rate_limit' ? waitMs !== null && waitMs <= SHORT_WAIT_MS : row.retrySame,
    clientStatus: name === 'rejected' ? rejectedStatus(status) : row.clientStatus,
    publicMessage: publicMessage(name, error, param),
    param: name === 'model_unknown' ? 'model' : row.clientType === 'invalid_request_error' ? param : null,
    retryAfterMs: waitMs,
  };
}

/** The status of the answer, or that of an error inside a 200. */
function effectiveStatus(status: number, error: ErrorReading): number {
  if (status < 200 || status >= 300) return status;
  return error.status ?? STATUS_OF_TYPE.get(error.type) ?? STATUS_OF_TYPE.get(error.code) ?? status;
}

function nameOf(status: number, error: ErrorReading, signs: RefusalSigns): FailureName {
  if (status >= 300 && status < 400) return 'redirect';
  if (status >= 400 && status < 500) {
    // 401 is never anything else: a message about our key must not be read as one about the prompt.
    if (status !== 401 && shows(error, signs.quota)) return 'quota';
    if (status !== 401 && status !== 429) {
      if (shows(error, signs.contextLength)) return 'context_length';
      if (shows(error, signs.contentPolicy)) return 'content_policy';
      if (status !== 403 && shows(error, signs.modelUnknown)) return 'model_unknown';
    }
  }
  const known = BY_STATUS.get(status);
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return 'rejected';
  if (status >= 500 && status < 600) return 'error';
  if (shows(error, signs.quota)) return 'quota';
  if (shows(error, signs.contextLength)) return 'context_length';
  if (shows(error, signs.contentPolicy)) return 'content_policy';
  return 'bad_response';
}

function shows(error: ErrorReading, signs: Signs): boolean {
  if (signs.codes.includes(error.code) || signs.codes.includes(error.type)) return true;
  return signs.text !== null && error.message !== '' && signs.text.test(error.message.slice(0, MESSAGE_CHARS));
}

/** 400, 404, 413 and 422 are the client's to understand; the rest of the 400s says the same in other words. */
const rejectedStatus = (status: number): number => ([404, 413, 422].includes(status) ? status : 400);

function publicMessage(name: FailureName, error: ErrorReading, param: string | null): string {
  const row = FAILURES[name];
  if (name === 'context_length') {
    const size = /(?:maximum context length (?:is|of)|> ?|limit(?: of)?:?) ?(\d{3,9})\b/i.exec(error.message)?.[1];
    return size === undefined ? row.publicMessage : `The request is longer than the model's context of ${size} tokens.`;
  }
  if (name !== 'rejected') return row.publicMessage;
  const code = safeName(error.code) ?? safeName(error.type);
  const about = param === null ? '' : ` Field at fault: ${param}.`;
  const said = code === null ? '' : ` It said: ${code}.`;
  return row.publicMessage + about + said;
}

/** Names only: dotted words with indexes, short, and too plain to be a key. */
function safeName(text: string | null): string | null {
  if (text === null || !/^[A-Za-z_][A-Za-z_0-9]*([.[\]]+[A-Za-z_0-9]+)*\]?$/.test(text) || text.length > 64)
    return null;
  return /[0-9A-Za-z]{24,}/.test(text) || /\d{5,}/.test(text) ? null : text;
}
