import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseAudit, type Audit } from '../../domain/audit.js';

/** The audits that come with the product, in the order of their names. */
export function readAudits(directory: string = shippedAudits()): readonly Audit[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file) => parseAudit(file.slice(0, -4), readFileSync(join(directory, file), 'utf8')));
}

function shippedAudits(): string {
  return dirname(createRequire(import.meta.url).resolve('#audits/completeness.sql'));
}
