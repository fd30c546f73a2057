import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cataloguePath, makeCatalogue } from './make-catalogue.js';

it('the catalogue in the tree is what its sources make; WRITE_CATALOGUE=1 writes it', async () => {
  const made = await makeCatalogue();

  if (process.env['WRITE_CATALOGUE'] === '1') writeFileSync(cataloguePath(), made);

  expect(readFileSync(cataloguePath(), 'utf8') === made).toBe(true);
});
