import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cataloguePath, makeCatalogue } from './make-catalogue.js';

it('the catalogue in the tree is what its sources make', async () => {
  const made = await makeCatalogue();

  expect(readFileSync(cataloguePath(), 'utf8') === made).toBe(true);
});
