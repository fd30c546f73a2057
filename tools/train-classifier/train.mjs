// Trains the built-in classifier and reports what it is worth.
//   node tools/train-classifier/train.mjs <folder with the three .jsonl files> [<output folder>]
// Deterministic: the same data, code and Node version give the same bytes. About a minute on one core.
import '../typescript-hooks.mjs';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fitModel, score, SETTINGS, toSparse } from './fit-model.mjs';
import { foldOf, readOutcomes, SOURCES } from './outcomes.mjs';
import { bootstrapInterval, routerMetrics } from './router-metrics.mjs';

const { tablesToBytes } = await import('../../libs/routing/src/domain/gain-artifact.ts');
const here = import.meta.dirname;
const [, , folder, output = path.join(here, '../../assets/routing')] = process.argv;
if (folder === undefined) {
  process.stderr.write('usage: train.mjs <data folder> [<output folder>]\n');
  process.exit(2);
}
const FOLDS = 5;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const round = (value) => Math.round(value * 1000) / 1000;

const { rows: labelled, sha256: data } = readOutcomes(folder);
const everydayText = readFileSync(path.join(here, 'everyday-prompts.txt'), 'utf8');
const everyday = everydayText
  .trim()
  .split('\n')
  .map((prompt) => ({ source: 'everyday', prompt, q: '0' }));
const rows = [...labelled, ...everyday];
const sparse = toSparse(rows.map((row) => row.prompt));
const all = labelled.map((_, i) => i);
const names = Object.keys(SOURCES);
const of = (source) => all.filter((i) => rows[i].source === source);

/** Scores of questions that were not trained on, by the integer scorer that ships. */
function outOfFold(members) {
  const scores = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const model = fitModel(
      rows,
      sparse,
      members.filter((i) => foldOf(rows[i].q, FOLDS) !== fold),
    );
    for (const i of members) if (foldOf(rows[i].q, FOLDS) === fold) scores[i] = score(rows[i].prompt, model);
  }
  return scores;
}
function measure(members, value) {
  const args = [members.map(value), members.map((i) => rows[i].pair[0]), members.map((i) => rows[i].pair[1])];
  const { apgr, cpt50, cpt80 } = routerMetrics(...args);
  return {
    prompts: members.length,
    apgr: round(apgr),
    interval95: bootstrapInterval(...args).map(round),
    cpt50: round(cpt50),
    cpt80: round(cpt80),
  };
}

const pooled = outOfFold(all);
const metrics = { crossValidated: {}, ownSourceOnly: {}, rulesOnly: {}, crossSource: [] };
for (const source of names) {
  const own = outOfFold(of(source));
  metrics.crossValidated[source] = measure(of(source), (i) => pooled[i].scoreQ);
  metrics.ownSourceOnly[source] = measure(of(source), (i) => own[i].learnedQ);
  metrics.rulesOnly[source] = measure(of(source), (i) => pooled[i].rulesQ);
}
for (const trainedOn of names) {
  const model = fitModel(rows, sparse, of(trainedOn));
  const questions = new Set(of(trainedOn).map((i) => rows[i].q));
  for (const testedOn of names) {
    if (testedOn === trainedOn) continue;
    const fresh = of(testedOn).filter((i) => !questions.has(rows[i].q));
    if (fresh.length === 0) continue;
    const found = new Map(fresh.map((i) => [i, score(rows[i].prompt, model)]));
    metrics.crossSource.push({
      trainedOn,
      testedOn,
      shipped: measure(fresh, (i) => found.get(i).scoreQ),
      learnedHeadsAlone: measure(fresh, (i) => found.get(i).learnedQ),
    });
  }
}

const final = fitModel(rows, sparse, all);

// How far two models from different halves of the data disagree says how far the score is off for want of data.
const halves = [0, 1].map((half) =>
  fitModel(
    rows,
    sparse,
    all.filter((i) => foldOf(rows[i].q, 2) === half),
  ),
);
const sample = names.flatMap((source) => of(source).filter((_, i, list) => i % Math.ceil(list.length / 500) === 0));
const differences = sample.map(
  (i) => score(rows[i].prompt, halves[0]).scoreQ - score(rows[i].prompt, halves[1]).scoreQ,
);
const errorQ = Math.round(Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length) / 2);

// The benchmarks hold hard questions only. A share of traffic means something on a mixture: half everyday prompts,
// half benchmark prompts (each source equally, out of fold).
const mixture = [
  ...everyday.map(({ prompt }) => ({ scoreQ: score(prompt, final).scoreQ, weight: 0.5 / everyday.length })),
  ...names.flatMap((source) =>
    of(source).map((i) => ({ scoreQ: pooled[i].scoreQ, weight: 0.5 / names.length / of(source).length })),
  ),
].sort((a, b) => b.scoreQ - a.scoreQ);
const thresholdFor = (share) => {
  let weight = 0;
  for (const each of mixture) if ((weight += each.weight) >= share - 1e-9) return each.scoreQ;
  return mixture.at(-1).scoreQ;
};
const shares = [10, 20, ...Array.from({ length: 19 }, (_, i) => 50 * (i + 1)), 980, 990];
const model = {
  ...final.model,
  marginQ: Math.round(errorQ * SETTINGS.marginOfError),
  calibration: shares.map((share) => [share, thresholdFor(share / 1000)]),
};
const middle = thresholdFor(0.5);
const inMargin = mixture.reduce(
  (sum, each) => sum + (Math.abs(each.scoreQ - middle) < model.marginQ ? each.weight : 0),
  0,
);

const tables = tablesToBytes(final.tables);
const code = ['outcomes', 'fit-model', 'logistic', 'router-metrics', 'train'].map((name) =>
  readFileSync(path.join(here, `${name}.mjs`)),
);
const library = ['prompt-features', 'gain-artifact', 'gain-classifier'].map((name) =>
  readFileSync(path.join(here, `../../libs/routing/src/domain/${name}.ts`)),
);
const artifact = {
  format: 'nextmodel-gain-classifier/1',
  model,
  tablesSha256: sha256(tables),
  provenance: {
    trainedOn: names.map((source) => ({
      source,
      prompts: of(source).length,
      sha256: data[source],
      licence: SOURCES[source].licence,
      weak: SOURCES[source].weak,
      strong: SOURCES[source].strong,
    })),
    trainSha256: sha256(
      JSON.stringify(all.map((i) => [rows[i].source, rows[i].q, rows[i].prompt, rows[i].weak, rows[i].strong])),
    ),
    everydayPrompts: {
      prompts: everyday.length,
      sha256: sha256(everydayText),
      licence: 'Apache-2.0, written for this project; no labels',
    },
    codeSha256: sha256(Buffer.concat([...code, ...library])),
    node: process.version,
    settings: { ...SETTINGS, folds: FOLDS },
  },
  calibrationMixture: 'half everyday prompts, half benchmark prompts out of fold with equal weight for each source',
  scoreErrorQ: errorQ,
  abstainsByMarginAtHalf: round(inMargin),
  metrics,
};
mkdirSync(output, { recursive: true });
writeFileSync(path.join(output, 'classifier.bin'), tables);
writeFileSync(path.join(output, 'classifier.json'), `${JSON.stringify(artifact, null, 1)}\n`);
process.stdout.write(
  `${JSON.stringify({ errorQ, marginQ: model.marginQ, inMargin: round(inMargin), calibration: model.calibration, metrics }, null, 1)}\n`,
);
