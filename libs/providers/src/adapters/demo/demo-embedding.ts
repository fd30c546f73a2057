import { hash } from './demo-answer.js';
import { DEMO_EMBED_DIMENSIONS } from './demo-models.js';

/**
 * A unit vector from a text's words and their three-letter pieces, hashed into signed places: texts that share words
 * are near each other, and the same text gives the same vector anywhere.
 */
export function demoEmbedding(text: string, dimensions = DEMO_EMBED_DIMENSIONS): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  const add = (feature: string, weight: number): void => {
    const code = hash(feature);
    const at = code % dimensions;
    vector[at] = (vector[at] ?? 0) + ((code >>> 16) & 1 ? weight : -weight);
  };
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(word, 2);
    for (let at = 0; at + 3 <= word.length; at += 1) add(`#${word.slice(at, at + 3)}`, 1);
  }
  let length = Math.hypot(...vector);
  if (length === 0) {
    // A text without words, or one whose features cancel each other out.
    vector[hash(text) % dimensions] = 1;
    length = 1;
  }
  return vector.map((value) => value / length);
}
