import { RouterError } from '#events/domain/router-error.js';

/** Limits of a request body beyond its size in bytes. */
export const REQUEST_LIMITS = {
  messages: 2_000,
  tools: 128,
  jsonDepth: 64,
  modelChars: 256,
  choices: 8,
  embeddingInputs: 2_048,
  fallbackModels: 32,
} as const;

/** What is wrong with a body, in words for its author. */
export interface RequestProblem {
  readonly ok: false;
  readonly message: string;
  /** The field at fault, as in `messages[2].role`; `null` for the body as a whole. */
  readonly param: string | null;
  readonly code: 'invalid_request';
}

export const problem = (message: string, param: string | null): RequestProblem => ({
  ok: false,
  message,
  param,
  code: 'invalid_request',
});

/** The problem as a 400. */
export function toInvalidRequest(found: RequestProblem): RouterError {
  return new RouterError({ code: found.code, publicMessage: found.message, httpStatus: 400, param: found.param });
}

/**
 * Is the body nested deeper than it may be, or does it hold a number that is none here (`1e999` is read as infinity, and
 * would go on to the provider as `null`)? Stops at the limit, so a hostile body costs no stack.
 */
export function bodyProblem(body: unknown): RequestProblem | null {
  const found = faultOf(body, REQUEST_LIMITS.jsonDepth);
  if (found === null) return null;
  return found === 'depth'
    ? problem(`The request body is nested deeper than ${REQUEST_LIMITS.jsonDepth} levels.`, null)
    : problem('The request body holds a number that is too large.', null);
}

function faultOf(value: unknown, levels: number): 'depth' | 'number' | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'number';
  if (typeof value !== 'object' || value === null) return null;
  if (levels === 0) return 'depth';
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = faultOf(item, levels - 1);
      if (found !== null) return found;
    }
    return null;
  }
  for (const key in value) {
    const found = faultOf((value as Record<string, unknown>)[key], levels - 1);
    if (found !== null) return found;
  }
  return null;
}

// oxlint-disable-next-line no-control-regex -- finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

export function modelProblem(model: unknown): RequestProblem | null {
  if (model === undefined || model === null) return problem('You must provide a model parameter.', 'model');
  if (typeof model !== 'string') return problem('Invalid type for model: expected a string.', 'model');
  if (model.trim() === '') return problem('You must provide a model parameter.', 'model');
  if (model.length > REQUEST_LIMITS.modelChars) {
    return problem(`Invalid model: at most ${REQUEST_LIMITS.modelChars} characters.`, 'model');
  }
  return CONTROL.test(model) ? problem('Invalid model: control characters are not allowed.', 'model') : null;
}
