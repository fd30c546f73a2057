import type { Section } from './section.js';
import type { TransparencySettings } from './settings.js';

const TRANSPARENCY_FIELDS = ['webhooks', 'export_checkpoints'] as const;
const WEBHOOK_FIELDS = ['url', 'every_s', 'allow_private'] as const;
/** A witness needs one a minute, not one a second. */
const EVERY_SECONDS = 60;
const DAY_SECONDS = 86_400;

export function parseTransparency(root: Section): TransparencySettings {
  const section = root.section('transparency', TRANSPARENCY_FIELDS);
  return {
    webhooks: section.sections('webhooks', WEBHOOK_FIELDS).map((webhook) => {
      const url = webhook.requiredString('url');
      if (webhook.has('url') && !/^https?:\/\/[^\s/?#]+/.test(url))
        webhook.report('url', 'must be an http or https URL');
      const rule = { min: 1, max: DAY_SECONDS, integer: true };
      return {
        url,
        everyMs: webhook.number('every_s', EVERY_SECONDS, rule) * 1_000,
        allowPrivate: webhook.boolean('allow_private', false),
      };
    }),
    exportCheckpoints: section.boolean('export_checkpoints', false),
  };
}
