/** How a kind of provider says what its status does not. Codes are lower-case; texts are tried on the message. */
export interface RefusalSigns {
  readonly contextLength: Signs;
  readonly contentPolicy: Signs;
  readonly quota: Signs;
  readonly modelUnknown: Signs;
}

export interface Signs {
  /** Of `error.code` or `error.type`. */
  readonly codes: readonly string[];
  readonly text: RegExp | null;
}

/**
 * Signs of OpenAI and of the servers that copy it (vLLM, llama.cpp, Ollama, DeepSeek, Mistral, Groq, Qwen, GLM, Google).
 * A rejected `max_tokens` is no matter of context: a larger model would not help, so "above maximum value" is not here.
 */
export const COMMON_SIGNS: RefusalSigns = {
  contextLength: {
    codes: ['context_length_exceeded', 'exceed_context_size_error', 'context_window_exceeded'],
    text: /maximum context length|exceeds? the (available |model'?s )?context|context (length|window|size)[^.]{0,40}exceed|reduce the length of (the|either)|input token count[^.]{0,60}exceeds|prompt is too long|prompt contains too many tokens|range of input length should be/i,
  },
  contentPolicy: {
    codes: [
      'content_policy_violation',
      'content_filter',
      'content_filter_error',
      'responsibleaipolicyviolation',
      'data_inspection_failed',
      'invalid_prompt',
      'moderation_blocked',
      '1301',
    ],
    text: /safety system|content (management|filtering|usage) policy|content exists risk|usage polic(y|ies)/i,
  },
  quota: {
    codes: [
      'insufficient_quota',
      'billing_hard_limit_reached',
      'billing_not_active',
      'insufficient_balance',
      'arrearage',
      'billing_error',
      '1113',
    ],
    text: /insufficient (balance|credits|quota|funds)|credit balance is too low/i,
  },
  modelUnknown: {
    codes: ['model_not_found', 'model_not_exist', 'modelnotfound', 'invalid_model'],
    text: /model [^\n]{0,160}(does not exist|not found)|no such model|unknown model/i,
  },
};

/** The common signs with more codes, for one kind. Texts of a kind are tried beside the common ones. */
export function withSigns(more: {
  readonly contextLength?: Partial<Signs>;
  readonly contentPolicy?: Partial<Signs>;
  readonly quota?: Partial<Signs>;
  readonly modelUnknown?: Partial<Signs>;
}): RefusalSigns {
  return {
    contextLength: joined(COMMON_SIGNS.contextLength, more.contextLength),
    contentPolicy: joined(COMMON_SIGNS.contentPolicy, more.contentPolicy),
    quota: joined(COMMON_SIGNS.quota, more.quota),
    modelUnknown: joined(COMMON_SIGNS.modelUnknown, more.modelUnknown),
  };
}

function joined(base: Signs, more: Partial<Signs> | undefined): Signs {
  if (more === undefined) return base;
  const texts = [base.text, more.text].flatMap((text) => (text === null || text === undefined ? [] : [text.source]));
  return { codes: [...base.codes, ...(more.codes ?? [])], text: new RegExp(texts.join('|'), 'i') };
}
