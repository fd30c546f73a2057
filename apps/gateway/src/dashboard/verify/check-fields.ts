import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';
import {
  ATTEMPT_FIELDS,
  CACHE_FIELDS,
  LINE_FIELDS,
  OPTIONAL_RECEIPT_FIELDS,
  RECEIPT_FIELDS,
  ROUTE_FIELDS,
  type FieldKind,
} from './receipt-fields.js';

type Fields = Readonly<Record<string, FieldKind>>;
type Values = Readonly<Record<string, unknown>>;

const SHOWN_MAX = 60;
const FINDINGS_MAX = 20;

/**
 * Has the event all fields of a receipt, and does each hold what it may hold? Fields that are not known here are said,
 * but no fault: events may grow by fields.
 */
export function checkFields(event: object): readonly Finding[] {
  const findings: Finding[] = [];
  const receipt = event as Values;
  check(receipt, RECEIPT_FIELDS, '', findings, OPTIONAL_RECEIPT_FIELDS);
  checkMap(receipt['cache'], CACHE_FIELDS, 'cache', findings);
  checkMap(receipt['route'], ROUTE_FIELDS, 'route', findings);
  for (const [n, attempt] of listOf(receipt['attempts']).entries()) {
    const path = `attempts[${n}]`;
    checkMap(attempt, ATTEMPT_FIELDS, path, findings);
    const lines = isMap(attempt) ? listOf(attempt['lines']) : [];
    for (const [m, line] of lines.entries()) checkMap(line, LINE_FIELDS, `${path}.lines[${m}]`, findings);
  }
  if (findings.some(({ state }) => state === 'wrong')) return findings.slice(0, FINDINGS_MAX);
  return [good('fields', `all ${Object.keys(RECEIPT_FIELDS).length} fields are there, each of its kind`), ...findings];
}

function checkMap(value: unknown, fields: Fields, path: string, findings: Finding[]): void {
  if (isMap(value)) check(value, fields, `${path}.`, findings);
  else findings.push(wrong('fields', `${path} is ${show(value)}, but must be an object`));
}

function check(values: Values, fields: Fields, prefix: string, findings: Finding[], optional: Fields = {}): void {
  for (const [name, kind] of Object.entries({ ...fields, ...optional })) {
    if (!Object.hasOwn(values, name)) {
      if (!Object.hasOwn(optional, name)) findings.push(wrong('fields', `${prefix}${name} is missing`));
    } else if (!kind.fits(values[name])) {
      findings.push(wrong('fields', `${prefix}${name} is ${show(values[name])}, but must be ${kind.is}`));
    }
  }
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(fields, name) || Object.hasOwn(optional, name)) continue;
    findings.push(unknown('fields', `${prefix}${name} is no field known here`));
  }
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
