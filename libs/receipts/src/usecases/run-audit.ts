import { RouterError } from '#events/domain/router-error.js';
import { findAudit, type Audit } from '../domain/audit.js';
import type { AuditResult, ReceiptQueries } from '../ports/receipt-store.js';

/**
 * Runs an audit by its name, its number or its name without the number.
 * @param given overrides of the audit's parameters; the rest take their defaults.
 * @throws RouterError `not_found` for an unknown audit, `invalid_request` for an unknown parameter (both name what
 *   there is), `store_unavailable` when the store does not answer.
 */
export async function runAudit(
  store: ReceiptQueries,
  audits: readonly Audit[],
  name: string,
  given: Readonly<Record<string, string>> = {},
): Promise<AuditResult & { readonly audit: Audit }> {
  const audit = findAudit(audits, name);
  if (audit === null) {
    throw new RouterError({
      code: 'not_found',
      publicMessage: `There is no audit "${name}". There are: ${audits.map((one) => one.name).join(', ')}.`,
      httpStatus: 404,
    });
  }
  const known = new Map(audit.parameters.map((parameter) => [parameter.name, parameter.defaultValue]));
  for (const [parameter, value] of Object.entries(given)) {
    if (!known.has(parameter)) {
      throw new RouterError({
        code: 'invalid_request',
        publicMessage: `${audit.name} has no parameter "${parameter}". It has: ${[...known.keys()].join(', ') || 'none'}.`,
        httpStatus: 400,
        param: parameter,
      });
    }
    known.set(parameter, value);
  }
  return { audit, ...(await store.query(audit.sql, Object.fromEntries(known))) };
}
