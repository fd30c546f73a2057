import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { CatalogueData } from '../../domain/catalogue.js';

/** The list prices that ship with the product. Our own file: it is read without further checks. */
export function loadCatalogue(): CatalogueData {
  const path = createRequire(import.meta.url).resolve('#assets/pricing/catalogue.json');
  return JSON.parse(readFileSync(path, 'utf8')) as CatalogueData;
}
