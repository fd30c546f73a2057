// Reads the labelled prompts. Only these three sources may go into a shipped artefact.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const SOURCES = {
  'routellm-mmlu': {
    licence: 'Apache-2.0 (lm-sys/RouteLLM); MMLU questions MIT',
    weak: ['mixtral-8x7b-instruct'],
    strong: ['gpt-4-1106-preview'],
  },
  'routellm-gsm8k': {
    licence: 'Apache-2.0 (lm-sys/RouteLLM); GSM8K questions MIT',
    weak: ['mixtral-8x7b-instruct'],
    strong: ['gpt-4-1106-preview'],
  },
  zeroeval: {
    licence: 'Apache-2.0 (WildEval/ZeroEval); GSM8K, MATH and CRUXEval questions MIT',
    // The first of each is the pair that figures are reported on; the heads learn from the mean of both.
    weak: ['gpt-4o-mini-2024-07-18', 'claude-3-haiku-20240307'],
    strong: ['o1-mini-2024-09-12', 'claude-3-5-sonnet-20241022'],
  },
};

/** @returns { rows: [{ source, q, prompt, weak, strong, pair: [weak, strong] }], sha256: { file: hash } } */
export function readOutcomes(folder) {
  const rows = [],
    sha256 = {};
  for (const [source, { weak, strong }] of Object.entries(SOURCES)) {
    const bytes = readFileSync(path.join(folder, `${source}.jsonl`));
    sha256[source] = createHash('sha256').update(bytes).digest('hex');
    for (const line of bytes.toString('utf8').trim().split('\n')) {
      const { q, prompt, outcomes, flags = [] } = JSON.parse(line);
      if (flags.includes('contaminated')) continue;
      const score = (models) => {
        const known = models.filter((model) => outcomes[model] !== undefined).map((model) => outcomes[model].s);
        return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
      };
      const row = {
        source,
        q,
        prompt,
        weak: score(weak),
        strong: score(strong),
        pair: [score(weak.slice(0, 1)), score(strong.slice(0, 1))],
      };
      if (row.pair[0] !== null && row.pair[1] !== null) rows.push(row);
    }
  }
  return { rows, sha256 };
}

/** Fold of a question, from its key alone: the same question in two files is in one fold. */
export const foldOf = (q, folds) => Number.parseInt(q.slice(0, 8), 16) % folds;
