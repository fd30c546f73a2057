import { UsageError } from '../output.js';
import { readOptions } from '../options.js';

export const VERIFY_OPTIONS = [
  'event',
  'proof',
  'key',
  'evidence',
  'prices',
  'request',
  'response',
  'salts',
  'against',
  'tiles',
  'witness',
  'witnesses-min',
  'save',
  'format',
] as const;
export type VerifyOptions = { readonly [O in (typeof VERIFY_OPTIONS)[number]]?: string | undefined };

export const VERIFY_HELP = `usage: nextmodel verify <receipt-id> [options]
       nextmodel verify --event <file> --proof <file> --key <key or file> [options]
       nextmodel verify --evidence <file> [--key <key or file>] [options]

Is the receipt, byte for byte, in the signed log, and does its cost add up? The first form fetches the evidence from the
running instance and then checks it here; the others need neither network nor instance.

  --event <file>     the exact bytes of the event (GET /v1/receipts/<id>/event)
  --proof <file>     its tlog-proof@v1 file (GET /v1/receipts/<id>/proof)
  --key <key|file>   the log's public key, <name>+<id>+<base64>, or a file with one key a line (GET /transparency/key,
                     or better: the one that you kept or were given by another way)
  --evidence <file>  event, proof, keys, price records and what SQL says in one file (GET /v1/receipts/<id>/evidence);
                     without --key the key in it is used, and its sha256 is shown for comparing
  --prices <file>    price the attempts again by this prices.yaml, or by published records, one JSON text a line
  --request <file>   the request body that you sent, byte for byte: is it the one that the receipt is about?
  --response <file>  the answer that you received: a JSON body, or all of an event stream
  --salts <file>     what --request and --response need offline (GET /v1/receipts/<id>/salts, with a key of the tenant)
  --against <file>   a checkpoint that somebody kept: is this log still the same one, only grown?
  --tiles <folder>   a copy of the log's tiles, for --against offline when the two sizes differ
  --witness <k|file> demand that the checkpoint is cosigned by these witnesses: keys <name>+<id>+<base64>, separated by
                     commas, or a file with one a line
  --witnesses-min <n>  how many of them are enough; default all
  --save <folder>    keep what was fetched: <id>.json, <id>.tlog-proof, <id>.evidence.json and transparency-key
  --format <f>       text (default) or json

Exit codes: 0 verified; 1 something is wrong, and the output names which receipt, field or price; 2 usage, or a file
cannot be read; 69 nothing answers; 78 configuration. A line with a question mark could not be checked with what was
given, and is no fault.
`;

/**
 * @returns `null` when help was asked for.
 * @throws UsageError for combinations that make no sense.
 */
export function readVerifyOptions(
  words: readonly string[],
): { readonly options: VerifyOptions; readonly id: string | null } | null {
  if (words.includes('--help') || words.includes('-h')) return null;
  const { options, names } = readOptions(words, VERIFY_OPTIONS) as {
    readonly options: VerifyOptions;
    readonly names: readonly string[];
  };
  const files = options.event !== undefined || options.proof !== undefined;
  if (names.length > 1) refuse('one receipt at a time');
  if (names.length === 1 && (files || options.evidence !== undefined)) {
    refuse('a receipt id is fetched; give it or files, not both');
  }
  if (files && options.evidence !== undefined) refuse('--evidence holds event and proof already');
  if (options.save !== undefined && names.length === 0) refuse('--save keeps what was fetched for a receipt id');
  if (options.tiles !== undefined && options.against === undefined) refuse('--tiles is for --against');
  if (options['witnesses-min'] !== undefined) {
    if (options.witness === undefined) refuse('--witnesses-min is for --witness');
    if (!/^[1-9]\d?$/.test(options['witnesses-min'])) refuse('--witnesses-min is a number from 1');
  }
  const { format } = options;
  if (format !== undefined && format !== 'text' && format !== 'json') refuse('--format is text or json');
  if (names.length === 0 && options.salts === undefined && (options.request ?? options.response) !== undefined) {
    refuse('--request and --response need --salts');
  }
  return { options, id: names[0] ?? null };
}

function refuse(why: string): never {
  throw new UsageError(`${why}; see nextmodel verify --help`);
}
