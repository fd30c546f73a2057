import { openAiLike } from '../../domain/openai-like.js';
import { withSigns } from '../../domain/refusal-signs.js';
import { NEIGHBOUR_FIELDS } from '../../domain/upstream-body.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/**
 * Volcengine ARK (Doubao). Models are names or endpoint ids (`ep-…`); prices are in CNY. Its errors carry dotted codes
 * such as `InvalidEndpointOrModel.NotFound`. Nothing is promised about billing after a closed connection, so a bounded
 * drain learns the usage.
 */
export const arkAdapter: ProviderAdapter = openAiLike({
  kind: 'ark',
  defaultBaseUrl: 'https://ark.cn-beijing.volces.com/api/v3',
  cancels: false,
  wishes: { drop: NEIGHBOUR_FIELDS },
  signs: withSigns({
    contextLength: {
      codes: ['outofcontexterror', 'invalidparameter.contextlengthexceeded'],
      text: /exceeds? (the )?max(imum)? (message |input |context )(tokens?|length)|input length \d+ exceeds|上下文长度|超过.{0,12}最大.{0,6}长度/i,
    },
    contentPolicy: {
      codes: [
        'sensitivecontentdetected',
        'inputtextsensitivecontentdetected',
        'inputimagesensitivecontentdetected',
        'outputtextsensitivecontentdetected',
        'outputimagesensitivecontentdetected',
        'riskdetection',
      ],
      text: /sensitive (content|information)/i,
    },
    quota: { codes: ['accountoverdueerror', 'setlimitexceeded', 'quotaexceeded'], text: /overdue balance/i },
    modelUnknown: {
      codes: ['invalidendpointormodel.notfound', 'invalidendpointormodel.modelidaccessdisabled', 'modelnotopen'],
      text: /model or endpoint [^.]{0,120} does not exist/i,
    },
  }),
  requestIdHeaders: ['x-request-id', 'x-tt-logid'],
  bodyIdFirst: false,
});
