// npm run prices:convert -- --diff [--json] [--from <catalogue.json>] [--to <catalogue.json>]
//   What another catalogue changes, for the review of a new pinned version: models that come and go, rates with percent,
//   validity, exchange rates. Without --from it is the catalogue in the tree, without --to what its sources make now.
//   Exit 0: nothing changes; 1: something does; 2: usage, or a file that is no catalogue.
// npm run prices:convert -- --write
//   Writes the catalogue in the tree anew from its sources. Needs `npm run build`.
import '../typescript-hooks.mjs';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { cataloguePath, makeCatalogue } = await import('./make-catalogue.ts');
const { diffCatalogues, isEmptyDiff, parseCatalogue, showDiff } = await import('./diff-catalogues.ts');

const USAGE = 'usage: npm run prices:convert -- --diff [--json] [--from <file>] [--to <file>] | --write';
const EXIT = { same: 0, changes: 1, usage: 2 };

function refuse(why) {
  console.error(why);
  process.exit(EXIT.usage);
}

function readWish() {
  const [flag, text] = [{ type: 'boolean', default: false }, { type: 'string' }];
  try {
    return parseArgs({ options: { diff: flag, write: flag, json: flag, from: text, to: text } }).values;
  } catch (error) {
    return refuse(`${error.message}\n${USAGE}`);
  }
}

async function catalogueOf(file) {
  const name = file ?? "the catalogue's sources";
  let text;
  try {
    text = file === undefined ? await makeCatalogue() : readFileSync(file, 'utf8');
  } catch (error) {
    return refuse(`${name}: ${error.message}`);
  }
  const parsed = parseCatalogue(text);
  return typeof parsed === 'string' ? refuse(`${name}: ${parsed}`) : parsed;
}

const wish = readWish();
if (wish.diff === wish.write || (wish.write && (wish.json || wish.from || wish.to))) refuse(USAGE);
if (wish.write) {
  writeFileSync(cataloguePath(), await makeCatalogue());
} else {
  const diff = diffCatalogues(await catalogueOf(wish.from ?? cataloguePath()), await catalogueOf(wish.to));
  process.stdout.write(wish.json ? `${JSON.stringify(diff, null, 2)}\n` : showDiff(diff));
  process.exitCode = isEmptyDiff(diff) ? EXIT.same : EXIT.changes;
}
