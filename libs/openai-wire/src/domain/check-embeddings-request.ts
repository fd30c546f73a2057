import type { EmbeddingsRequest } from './chat-request.js';
import { bodyProblem, modelProblem, problem, REQUEST_LIMITS, type RequestProblem } from './request-limits.js';

/** Checks a parsed embeddings body: model, input, and the types of what is read. Unknown fields stay. */
export function checkEmbeddingsRequest(
  parsed: unknown,
): { readonly ok: true; readonly request: EmbeddingsRequest } | RequestProblem {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return problem('The request body must be a JSON object.', null);
  }
  const body = parsed as Readonly<Record<string, unknown>>;
  const found = modelProblem(body['model']) ?? inputProblem(body['input']) ?? fieldsProblem(body);
  if (found !== null) return found;
  const fault = bodyProblem(parsed);
  if (fault !== null) return fault;
  return { ok: true, request: parsed as EmbeddingsRequest };
}

const isToken = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function inputProblem(input: unknown): RequestProblem | null {
  if (input === undefined || input === null) return problem("Missing required parameter: 'input'.", 'input');
  if (typeof input === 'string') return input === '' ? problem("Invalid 'input': it is empty.", 'input') : null;
  if (!Array.isArray(input)) return problem("Invalid type for 'input': expected a string or an array.", 'input');
  if (input.length === 0) return problem("Invalid 'input': it is empty.", 'input');
  if (typeof input[0] === 'number') {
    return input.every(isToken) ? null : problem("Invalid 'input': expected an array of tokens.", 'input');
  }
  if (input.length > REQUEST_LIMITS.embeddingInputs) {
    return problem(`Invalid 'input': at most ${REQUEST_LIMITS.embeddingInputs} items.`, 'input');
  }
  const texts = typeof input[0] === 'string';
  const wrong = input.findIndex((item: unknown) =>
    texts ? typeof item !== 'string' || item === '' : !Array.isArray(item) || item.length === 0 || !item.every(isToken),
  );
  return wrong < 0 ? null : problem(`Invalid 'input[${wrong}]'.`, `input[${wrong}]`);
}

function fieldsProblem(body: Readonly<Record<string, unknown>>): RequestProblem | null {
  const { dimensions } = body;
  const format = body['encoding_format'];
  if (dimensions !== undefined && dimensions !== null && !(isToken(dimensions) && (dimensions as number) > 0)) {
    return problem("Invalid 'dimensions': expected a positive integer.", 'dimensions');
  }
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64') {
    return problem("Invalid 'encoding_format': expected 'float' or 'base64'.", 'encoding_format');
  }
  return null;
}
