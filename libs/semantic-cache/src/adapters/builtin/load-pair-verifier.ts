import type { PairVerifier } from '../../ports/pair-verifier.js';
import { loadLexicon, loadTreeModel, loadWordTable } from './load-assets.js';
import { StaticPairVerifier } from './static-pair-verifier.js';

/** Reads the word table (shared with the builtin embedder), the lexicon and the trees. */
export async function loadPairVerifier(): Promise<PairVerifier> {
  const table = await loadWordTable();
  const [lexicon, model] = await Promise.all([loadLexicon(table), loadTreeModel()]);
  return new StaticPairVerifier(table, lexicon, model);
}
