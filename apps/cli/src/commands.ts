interface Command {
  readonly words: string;
  readonly does: string;
  readonly load: () => Promise<{ run(words: readonly string[]): Promise<number> }>;
}

/** Loaded one by one: `nextmodel keys list` must not wait for Nest. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['start', { words: '', does: 'runs everything on embedded engines', load: () => import('./commands/start.js') }],
  [
    'demo',
    {
      words: '',
      does: 'sends real prompts to a fresh instance and prints what it cost',
      load: () => import('./commands/demo.js'),
    },
  ],
  [
    'keys',
    { words: 'create <name> | list | revoke <id>', does: 'virtual keys', load: () => import('./commands/keys.js') },
  ],
  [
    'replay',
    {
      words: 'cache | receipts | transparency',
      does: 'rebuilds a view from the log, compares, switches; with --since and --policy: what would have been',
      load: () => import('./commands/replay.js'),
    },
  ],
  [
    'audit',
    {
      words: '[name|recompute] [--format …]',
      does: 'runs an audit; without a name lists them; recompute: every cost of the log again',
      load: () => import('./commands/audit.js'),
    },
  ],
  [
    'prices',
    {
      words: 'check|publish <file>',
      does: 'checks a price list, or publishes it to all gateways',
      load: () => import('./commands/prices.js'),
    },
  ],
  [
    'rerate',
    {
      words: '--from <day> [--prices file] [--dry-run]',
      does: 'prices old receipts again; differences become adjustments',
      load: () => import('./commands/rerate.js'),
    },
  ],
  [
    'close',
    {
      words: '<YYYY-MM> [--tenant t] [--draft]',
      does: 'the statement of a month by tenant and key; the same bytes every time',
      load: () => import('./commands/close.js'),
    },
  ],
  [
    'export',
    {
      words: 'focus --from <day> [--to <day>]',
      does: 'usage as FOCUS 1.2 for finance',
      load: () => import('./commands/export.js'),
    },
  ],
  [
    'reconcile',
    {
      words: '<invoice.csv|json>',
      does: "a provider's invoice against the receipts: drift with its cause",
      load: () => import('./commands/reconcile.js'),
    },
  ],
  [
    'verify',
    {
      words: '<receipt-id> | --evidence F | --event F --proof F --key K',
      does: 'checks that a receipt is in the signed log and its cost adds up',
      load: () => import('./commands/verify.js'),
    },
  ],
  [
    'erase',
    {
      words: '--subject <id> [--tenant t]',
      does: 'makes content of a subject unreadable; receipts and proofs stay',
      load: () => import('./commands/erase.js'),
    },
  ],
  [
    'config',
    {
      words: 'check',
      does: 'all problems, or the effective configuration with secrets masked',
      load: () => import('./commands/config.js'),
    },
  ],
  [
    'doctor',
    { words: '', does: 'every dependency: reachable, version, lag', load: () => import('./commands/doctor.js') },
  ],
]);

export function usage(): string {
  const lines = [...COMMANDS].map(([name, { words, does }]) => `  ${`${name} ${words}`.trim().padEnd(42)} ${does}`);
  return `Usage: nextmodel <command>\n\n${lines.join('\n')}\n\nSettings come from the environment and nextmodel.yaml; see docs/configuration.md.\n`;
}
