import type { Section } from './section.js';
import type { TransparencySettings } from './settings.js';

const TRANSPARENCY_FIELDS = ['webhooks', 'witnesses', 'witness_every_s', 'export_checkpoints'] as const;
const WEBHOOK_FIELDS = ['url', 'every_s', 'allow_private'] as const;
const WITNESS_FIELDS = ['key', 'url', 'allow_private'] as const;
/** A witness needs one a minute, not one a second. */
const EVERY_SECONDS = 60;
const DAY_SECONDS = 86_400;
const EVERY = { min: 1, max: DAY_SECONDS, integer: true };
/** A note has at most 16 signatures, the log's among them. */
const WITNESSES_MAX = 15;

export function parseTransparency(root: Section): TransparencySettings {
  const section = root.section('transparency', TRANSPARENCY_FIELDS);
  const witnesses = section.sections('witnesses', WITNESS_FIELDS);
  if (witnesses.length > WITNESSES_MAX) section.report('witnesses', `must be at most ${WITNESSES_MAX}`);
  return {
    webhooks: section.sections('webhooks', WEBHOOK_FIELDS).map((webhook) => ({
      url: readUrl(webhook),
      everyMs: webhook.number('every_s', EVERY_SECONDS, EVERY) * 1_000,
      allowPrivate: webhook.boolean('allow_private', false),
    })),
    witnesses: witnesses.map((witness) => {
      const key = witness.requiredString('key');
      // Whether its id fits is known where there are hashes: at the start.
      if (witness.has('key') && !/^[^+\s]+\+[0-9a-f]{8}\+B[A-Za-z0-9+/]{43}$/.test(key)) {
        witness.report(
          'key',
          'must be the verifier key of a witness: <name>+<8 hex digits>+<base64 of 4 and 32 bytes>',
        );
      }
      if (/[?#]/.test(witness.string('url') ?? '')) witness.report('url', 'must be a prefix, without ? and #');
      const address = witness.has('url')
        ? { url: readUrl(witness), allowPrivate: witness.boolean('allow_private', false) }
        : null;
      return { key, address };
    }),
    witnessEveryMs: section.number('witness_every_s', EVERY_SECONDS, EVERY) * 1_000,
    exportCheckpoints: section.boolean('export_checkpoints', false),
  };
}

function readUrl(section: Section): string {
  const url = section.requiredString('url');
  if (section.has('url') && !/^https?:\/\/[^\s/?#]+/.test(url)) section.report('url', 'must be an http or https URL');
  return url;
}
