import type { StreamChunk } from './stream-reading.js';

type Fields = Readonly<Record<string, unknown>>;
type Open = Record<string, unknown>;

interface OpenChoice {
  readonly index: number;
  readonly message: Open;
  readonly toolCalls: Map<number, Open>;
  finishReason: string | null;
  logprobs: Open | null;
}

/** Strings of a delta that grow piece by piece. */
const GROWING = new Set(['content', 'refusal', 'reasoning', 'reasoning_content']);
/** Lists that grow entry by entry. */
const LISTS = new Set(['reasoning_details', 'annotations', 'images']);
/** Members of a chunk that are not carried into the completion. */
const OWN = new Set(['object', 'choices', 'usage', 'nextmodel', 'error', '__proto__']);

/**
 * Folds the chunks of a stream into the one `chat.completion` object that the same call without `stream` would have
 * given: the canonical form for the cache, for single-flight and for commitments. Feed it every chunk in order.
 */
export class CompletionAssembly {
  private readonly top: Open = {};
  private readonly choices = new Map<number, OpenChoice>();
  private usage: unknown = undefined;

  add(chunk: StreamChunk): void {
    for (const name of Object.keys(chunk)) {
      // The first id and time name the answer; for the rest the latest value is the truest.
      const keepFirst = (name === 'id' || name === 'created') && this.top[name] !== undefined;
      if (!OWN.has(name) && !keepFirst && chunk[name] !== null) this.top[name] = chunk[name];
    }
    if (isFields(chunk['usage'])) this.usage = chunk['usage'];
    const { choices } = chunk;
    if (!Array.isArray(choices)) return;
    for (const choice of choices as readonly unknown[]) if (isFields(choice)) this.addChoice(choice);
  }

  /** Text delivered so far over all choices, reasoning included: the base of an estimate when usage never comes. */
  text(): string {
    let text = '';
    for (const { message, toolCalls } of this.choices.values()) {
      for (const name of GROWING) if (typeof message[name] === 'string') text += message[name];
      for (const call of toolCalls.values()) text += JSON.stringify(call['function'] ?? '');
    }
    return text;
  }

  /** The completion as it stands. A choice that never ended has `finish_reason: null`. */
  completion(): Readonly<Record<string, unknown>> {
    const choices = [...this.choices.values()].sort((a, b) => a.index - b.index).map(closeChoice);
    return {
      ...this.top,
      object: 'chat.completion',
      choices,
      ...(this.usage === undefined ? {} : { usage: this.usage }),
    };
  }

  private addChoice(piece: Fields): void {
    const index = typeof piece['index'] === 'number' ? piece['index'] : 0;
    let choice = this.choices.get(index);
    if (choice === undefined) {
      choice = {
        index,
        message: { role: 'assistant', content: null, refusal: null },
        toolCalls: new Map(),
        finishReason: null,
        logprobs: null,
      };
      this.choices.set(index, choice);
    }
    const delta = isFields(piece['delta']) ? piece['delta'] : piece['message'];
    if (isFields(delta)) addDelta(choice, delta);
    if (typeof piece['finish_reason'] === 'string') choice.finishReason = piece['finish_reason'];
    if (isFields(piece['logprobs'])) choice.logprobs = addLists(choice.logprobs ?? {}, piece['logprobs']);
  }
}

function addDelta(choice: OpenChoice, delta: Fields): void {
  const { message } = choice;
  for (const name of Object.keys(delta)) {
    const value = delta[name];
    if (value === null || value === undefined || name === '__proto__') continue;
    if (GROWING.has(name) && typeof value === 'string') message[name] = asText(message[name]) + value;
    else if (name === 'tool_calls' && Array.isArray(value)) addToolCalls(choice.toolCalls, value);
    else if (name === 'function_call' && isFields(value)) message[name] = addCall(message[name], value);
    else if (name === 'audio' && isFields(value)) message[name] = addAudio(message[name], value);
    else if (LISTS.has(name) && Array.isArray(value)) message[name] = [...asList(message[name]), ...value];
    else message[name] = value;
  }
}

function addToolCalls(calls: Map<number, Open>, pieces: readonly unknown[]): void {
  for (const [position, piece] of pieces.entries()) {
    if (!isFields(piece)) continue;
    const index = typeof piece['index'] === 'number' ? piece['index'] : position;
    const call = calls.get(index) ?? {};
    for (const name of Object.keys(piece)) {
      const value = piece[name];
      if (name === 'index' || name === '__proto__' || value === null || value === undefined) continue;
      if (name === 'function' && isFields(value)) call[name] = addCall(call[name], value);
      // Some hosts repeat an empty id on every piece.
      else if (value !== '') call[name] = value;
    }
    calls.set(index, call);
  }
}

/** Name as given last, arguments grown. */
function addCall(held: unknown, piece: Fields): Open {
  const call: Open = isFields(held) ? { ...held } : { name: '', arguments: '' };
  if (typeof piece['name'] === 'string' && piece['name'] !== '') call['name'] = piece['name'];
  if (typeof piece['arguments'] === 'string') call['arguments'] = asText(call['arguments']) + piece['arguments'];
  return call;
}

function addAudio(held: unknown, piece: Fields): Open {
  const audio: Open = isFields(held) ? { ...held } : {};
  for (const name of Object.keys(piece)) {
    const grows = (name === 'data' || name === 'transcript') && typeof piece[name] === 'string';
    if (name !== '__proto__') audio[name] = grows ? asText(audio[name]) + String(piece[name]) : piece[name];
  }
  return audio;
}

function addLists(held: Open, piece: Fields): Open {
  for (const name of ['content', 'refusal']) {
    if (Array.isArray(piece[name])) held[name] = [...asList(held[name]), ...(piece[name] as unknown[])];
    else if (held[name] === undefined) held[name] = null;
  }
  return held;
}

function closeChoice(choice: OpenChoice): Fields {
  const calls = [...choice.toolCalls.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, call]) => ({ type: 'function', ...call }));
  return {
    index: choice.index,
    message: { ...choice.message, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
    logprobs: choice.logprobs,
    finish_reason: choice.finishReason,
  };
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
