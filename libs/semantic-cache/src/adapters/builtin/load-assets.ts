import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Lexicon } from '../../domain/lexicon.js';
import { oppositesWith } from '../../domain/opposites.js';
import { WordTable } from '../../domain/static-embedding.js';
import type { TreeModel } from '../../domain/verifier-score.js';

const DIMENSIONS = 256;
const locate = createRequire(import.meta.url);
const asset = (name: string): Promise<Buffer> => readFile(locate.resolve(`#assets/semantic-cache/${name}`));
const lines = (text: Buffer): string[] => text.toString('utf8').trim().split('\n');

/** The files are little-endian, like every platform that Node runs on in practice. */
const asFloats = ({ buffer, byteOffset, byteLength }: Buffer): Float32Array =>
  new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);

let wordTable: Promise<WordTable> | null = null;

/** The word table of the builtin embedder, read once in a process: about 10 MB, tens of milliseconds. */
export function loadWordTable(): Promise<WordTable> {
  wordTable ??= readWordTable().catch((error: unknown) => {
    wordTable = null;
    throw error;
  });
  return wordTable;
}

async function readWordTable(): Promise<WordTable> {
  const [words, rows, scale, idf] = await Promise.all([
    asset('words-30000.txt'),
    asset('table-30000x256.i8'),
    asset('scale-30000.f32'),
    asset('idf-30000.f32'),
  ]);
  return new WordTable({
    words: lines(words),
    dimensions: DIMENSIONS,
    rows: new Int8Array(rows.buffer, rows.byteOffset, rows.byteLength),
    scale: asFloats(scale),
    idf: asFloats(idf),
  });
}

export async function loadLexicon(table: WordTable): Promise<Lexicon> {
  const [senses, antonyms] = await Promise.all([asset('wordnet-senses-30000.u32'), asset('wordnet-antonyms.txt')]);
  const packed = new Uint32Array(
    senses.buffer.slice(senses.byteOffset, senses.byteOffset + senses.byteLength) as ArrayBuffer,
  );
  return new Lexicon(table, packed, oppositesWith(lines(antonyms)));
}

export async function loadTreeModel(): Promise<TreeModel> {
  return JSON.parse((await asset('verifier-static.json')).toString('utf8')) as TreeModel;
}
