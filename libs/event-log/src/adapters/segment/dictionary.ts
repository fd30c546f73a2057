/**
 * Strings that almost every frame repeats, written as one byte. The codes are part of the file format: append to these
 * lists, never reorder or remove. Code 0 means that the string itself follows.
 */
const TOPICS = [
  'nextmodel.requests',
  'nextmodel.responses',
  'nextmodel.receipts',
  'nextmodel.content',
  'nextmodel.control',
  'nextmodel.checkpoints',
  'nextmodel.requests.dlq',
  'nextmodel.responses.dlq',
  'nextmodel.receipts.dlq',
  'nextmodel.content.dlq',
  'nextmodel.control.dlq',
  'nextmodel.checkpoints.dlq',
];

const HEADER_NAMES = ['ce_id', 'ce_type', 'ce_source', 'ce_time', 'ce_schemaversion', 'x-error', 'x-source'];

const HEADER_VALUES = [
  '1',
  'nextmodel/gateway',
  'nextmodel.request.accepted.v1',
  'nextmodel.attempt.started.v1',
  'nextmodel.attempt.finished.v1',
  'nextmodel.response.completed.v1',
  'nextmodel.receipt.sealed.v1',
  'nextmodel.receipt.adjusted.v1',
  'nextmodel.content.stored.v1',
  'nextmodel.cache.invalidated.v1',
  'nextmodel.apikey.created.v1',
  'nextmodel.apikey.revoked.v1',
  'nextmodel.price.published.v1',
  'nextmodel.policy.published.v1',
  'nextmodel.subject.erased.v1',
  'nextmodel.checkpoint.published.v1',
];

/** A code for the string that follows in full. */
export const INLINE = 0;
/** A header value that begins with the record's key; only the rest follows. */
export const AFTER_KEY = 255;

interface Dictionary {
  /** 0 when the string has no code. */
  code(text: string): number;
  /** `undefined` for a code that this version does not know. */
  text(code: number): string | undefined;
}

function dictionary(strings: readonly string[]): Dictionary {
  const codes = new Map(strings.map((text, index) => [text, index + 1]));
  return { code: (text) => codes.get(text) ?? INLINE, text: (code) => strings[code - 1] };
}

export const topicDictionary = dictionary(TOPICS);
export const headerNameDictionary = dictionary(HEADER_NAMES);
export const headerValueDictionary = dictionary(HEADER_VALUES);
