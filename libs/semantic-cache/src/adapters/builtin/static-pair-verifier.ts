import { formDoubtOf, formOf, type TextForm } from '../../domain/form-doubts.js';
import type { Lexicon } from '../../domain/lexicon.js';
import { pairFeatures } from '../../domain/pair-features.js';
import { prepareText, type PreparedText } from '../../domain/prepared-text.js';
import { referenceVetoOf } from '../../domain/reference-vetoes.js';
import { significantMarks } from '../../domain/significant-marks.js';
import type { WordTable } from '../../domain/static-embedding.js';
import { pairScore, scoreThreshold, type PairScore, type TreeModel } from '../../domain/verifier-score.js';
import { mayBeNames } from '../../domain/typo-names.js';
import { vetoOf } from '../../domain/vetoes.js';
import type { PairVerifier, Verdict } from '../../ports/pair-verifier.js';

interface Side {
  readonly prepared: PreparedText;
  readonly marks: string;
  readonly form: TextForm;
}

/** Prepared texts kept: a few kilobytes each. */
const PREPARED_MAX = 1_000;

/** Marks and doubts of form first, then equality of the canonical forms, then vetoes, then boosted trees over 42 features of the pair. */
export class StaticPairVerifier implements PairVerifier {
  readonly #table: WordTable;
  readonly #lexicon: Lexicon;
  readonly #model: TreeModel;
  readonly #score: PairScore;
  readonly #prepared = new Map<string, Side>();

  constructor(table: WordTable, lexicon: Lexicon, model: TreeModel) {
    this.#table = table;
    this.#lexicon = lexicon;
    this.#model = model;
    this.#score = pairScore(model);
  }

  judge(asked: string, stored: string, maxError: number): Verdict {
    const a = this.#sideOf(stored);
    const b = this.#sideOf(asked);
    if (a.marks !== b.marks) return { serve: false, reason: 'veto:marks', score: null };
    const doubt = formDoubtOf(a.form, b.form);
    if (doubt !== null) return { serve: false, reason: `veto:${doubt}`, score: null };
    const features = pairFeatures(this.#table, this.#lexicon, a.prepared, b.prepared);
    if (features.canonEq === 1) return { serve: true, reason: 'canonical', score: null };
    if (features.typoEq === 1) {
      return mayBeNames(a.prepared, b.prepared)
        ? { serve: false, reason: 'veto:name', score: null }
        : { serve: true, reason: 'typo', score: null };
    }
    const veto = vetoOf(features) ?? referenceVetoOf(features, a.prepared, b.prepared);
    if (veto !== null) return { serve: false, reason: `veto:${veto}`, score: null };
    const score = this.#score(features);
    const serve = score >= scoreThreshold(this.#model, maxError);
    return { serve, reason: serve ? 'score' : 'score_below', score };
  }

  #sideOf(text: string): Side {
    let side = this.#prepared.get(text);
    if (side !== undefined) return side;
    side = { prepared: prepareText(this.#table, text), marks: significantMarks(text), form: formOf(text) };
    if (this.#prepared.size >= PREPARED_MAX) {
      for (const oldest of this.#prepared.keys()) {
        this.#prepared.delete(oldest);
        break;
      }
    }
    this.#prepared.set(text, side);
    return side;
  }
}
