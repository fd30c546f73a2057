import type { Meter, Meters } from '#events/domain/meters.js';
import { numberToPico } from './decimal-number.js';
import type { UsageReading } from './usage-reading.js';

type Fields = Readonly<Record<string, unknown>>;
const NONE: Fields = {};

/**
 * A usage block of OpenAI's shape, and of those who copy it, as disjoint meters. OpenAI counts cached and audio tokens
 * inside `prompt_tokens` and reasoning inside `completion_tokens`; what is left of a total is the plain meter, so a
 * sum of meters is the provider's total and nothing is counted twice or below zero.
 *
 * Anthropic's own shape, which compatible hosts pass on, counts cache reads and writes outside `input_tokens`.
 * Hosts that count reasoning (xAI) or cache reads outside their total are told by `total_tokens`.
 * Flags: `missing`, `prompt_missing`, `negative_clamped`, `not_integer`, `details_exceed_total`, `total_mismatch`,
 * `reasoning_outside_completion`, `cached_outside_prompt`, `cost_unreadable`, `cost_rounded`.
 */
export function fromOpenAiUsage(raw: unknown): UsageReading {
  if (!isFields(raw)) return { meters: {}, flags: ['missing'], raw: raw ?? null, providerCostPicoUsd: null };
  const flags = new Set<string>();
  const count = (value: unknown): number | null => readCount(value, flags);

  const inDetails = fields(raw['prompt_tokens_details'] ?? raw['input_tokens_details']);
  const outDetails = fields(raw['completion_tokens_details'] ?? raw['output_tokens_details']);
  const total = count(raw['total_tokens']);
  let completion = count(raw['completion_tokens'] ?? raw['output_tokens']);
  let prompt = count(raw['prompt_tokens'] ?? raw['input_tokens']);
  const cached =
    count(
      inDetails['cached_tokens'] ??
        raw['prompt_cache_hit_tokens'] ??
        raw['cached_tokens'] ??
        raw['cache_read_input_tokens'],
    ) ?? 0;
  const reasoning = count(outDetails['reasoning_tokens'] ?? raw['reasoning_tokens']) ?? 0;
  if (prompt === null && total !== null) {
    prompt = Math.max(0, total - (completion ?? 0));
    flags.add('prompt_missing');
  }
  if (prompt === null && completion === null) flags.add('missing');
  // Anthropic's own words: `input_tokens` leaves out what was read from the cache and what was written to it.
  if (prompt !== null && isAnthropicShape(raw)) {
    prompt += cached + (count(raw['cache_creation_input_tokens']) ?? 0);
  }

  if (total !== null) {
    const excess = total - (prompt ?? 0) - (completion ?? 0);
    if (excess > 0 && excess === reasoning) {
      completion = (completion ?? 0) + reasoning;
      flags.add('reasoning_outside_completion');
    } else if (excess > 0 && excess === cached) {
      prompt = (prompt ?? 0) + cached;
      flags.add('cached_outside_prompt');
    } else if (excess !== 0) flags.add('total_mismatch');
  }

  const cachedAudio = Math.min(
    count(fields(inDetails['cached_tokens_details'])['audio_tokens']) ?? 0,
    cached,
    count(inDetails['audio_tokens']) ?? 0,
  );
  const writes = fields(raw['cache_creation']);
  const write1h = count(writes['ephemeral_1h_input_tokens']) ?? 0;
  const writeAll = count(inDetails['cache_write_tokens'] ?? raw['cache_creation_input_tokens']) ?? write1h;
  const meters: { [M in Meter]?: number } = {};
  if (prompt !== null) {
    divide(meters, prompt, 'input_uncached', flags, [
      ['input_cache_read', cached - cachedAudio],
      ['input_audio_cache_read', cachedAudio],
      ['input_cache_write_1h', Math.min(write1h, writeAll)],
      ['input_cache_write_5m', writeAll - Math.min(write1h, writeAll)],
      ['input_audio', (count(inDetails['audio_tokens']) ?? 0) - cachedAudio],
      ['input_image', count(inDetails['image_tokens']) ?? 0],
    ]);
  }
  if (completion !== null) {
    divide(meters, completion, 'output_text', flags, [
      ['output_reasoning', reasoning],
      ['output_audio', count(outDetails['audio_tokens']) ?? 0],
      ['output_image', count(outDetails['image_tokens']) ?? 0],
    ]);
  }
  const searches = count(fields(raw['server_tool_use'])['web_search_requests']) ?? 0;
  if (searches > 0) meters.web_search = searches;
  const providerCostPicoUsd = readCost(raw['cost'], flags);
  return { meters, flags: [...flags], raw, providerCostPicoUsd };
}

/** Gives each part its share of `total` and the rest to `rest`; parts that claim more than there is are cut. */
function divide(
  meters: { [M in Meter]?: number },
  total: number,
  rest: keyof Meters,
  flags: Set<string>,
  parts: readonly (readonly [Meter, number])[],
): void {
  let left = total;
  for (const [meter, claimed] of parts) {
    const taken = Math.min(claimed, left);
    if (taken < claimed) flags.add('details_exceed_total');
    if (taken > 0) meters[meter] = taken;
    left -= taken;
  }
  // Also when it is zero: reported as nothing is not the same as not reported.
  meters[rest] = left;
}

/** `null` = not given. An explicit zero stays zero. */
function readCount(value: unknown, flags: Set<string>): number | null {
  if (value === undefined || value === null) return null;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || Math.abs(number) > Number.MAX_SAFE_INTEGER) {
    flags.add('not_integer');
    return null;
  }
  if (number < 0) {
    flags.add('negative_clamped');
    return 0;
  }
  if (!Number.isInteger(number)) flags.add('not_integer');
  return Math.ceil(number);
}

function readCost(value: unknown, flags: Set<string>): string | null {
  if (value === undefined || value === null) return null;
  const pico = typeof value === 'number' || typeof value === 'string' ? numberToPico(String(value)) : null;
  if (pico === null || pico.pico < 0n) {
    flags.add('cost_unreadable');
    return null;
  }
  if (!pico.exact) flags.add('cost_rounded');
  return pico.pico.toString();
}

const isAnthropicShape = (raw: Fields): boolean =>
  raw['prompt_tokens'] === undefined &&
  raw['input_tokens_details'] === undefined &&
  (raw['cache_read_input_tokens'] !== undefined || raw['cache_creation_input_tokens'] !== undefined);
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : NONE);
