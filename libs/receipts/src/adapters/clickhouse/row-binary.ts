import type { PlacedRow } from '../../domain/batch-rows.js';
import { TABLE_TYPES, type ReceiptTable } from '../../domain/receipt-columns.js';
import { ByteWriter } from './byte-writer.js';

type WriteCell = (out: ByteWriter, cell: never) => void;

/**
 * Rows in ClickHouse's RowBinary: the types of the table's columns one after the other, no names, no separators.
 * A third of the bytes of JSON, and nothing to parse at the other end. Cells must fit their columns, which is what
 * `receipt-row.ts` sees to.
 */
export function encodeRowBinary(table: ReceiptTable, rows: readonly PlacedRow[]): Buffer {
  const writers = WRITERS[table];
  const out = new ByteWriter(rows.length * BYTES_PER_ROW[table]);
  for (const { cells } of rows) {
    for (let i = 0; i < writers.length; i += 1) (writers[i] as WriteCell)(out, cells[i] as never);
  }
  return out.bytes();
}

/** A first guess; the buffer grows. */
const BYTES_PER_ROW: Readonly<Record<ReceiptTable, number>> = {
  receipts: 800,
  attempts: 500,
  adjustments: 400,
  log_entries: 80,
};

/** How a value of a type is written. @throws RangeError for a type that no column of ours has. */
export function cellWriter(type: string): WriteCell {
  const inner = (name: string): WriteCell | null =>
    type.startsWith(`${name}(`) ? cellWriter(type.slice(name.length + 1, -1)) : null;
  const low = inner('LowCardinality');
  if (low !== null) return low;
  const maybe = inner('Nullable');
  if (maybe !== null) {
    return (out, cell: unknown) => {
      out.u8(cell === null ? 1 : 0);
      if (cell !== null) maybe(out, cell as never);
    };
  }
  const item = inner('Array');
  if (item !== null) {
    return (out, cells: readonly unknown[]) => {
      out.size(cells.length);
      for (const cell of cells) item(out, cell as never);
    };
  }
  if (type.startsWith('Map(')) {
    const comma = type.lastIndexOf(',');
    const key = cellWriter(type.slice(4, comma));
    const value = cellWriter(type.slice(comma + 1, -1).trim());
    return (out, map: Readonly<Record<string, unknown>>) => {
      const entries = Object.entries(map);
      out.size(entries.length);
      for (const entry of entries) {
        key(out, entry[0] as never);
        value(out, entry[1] as never);
      }
    };
  }
  const bytes = /^FixedString\((\d+)\)$/.exec(type)?.[1];
  if (bytes !== undefined) return (out, hex: string) => out.hex(hex, Number(bytes));
  if (type.startsWith('Enum8(')) return (out, cell: number) => out.u8(cell);
  if (type.startsWith('DateTime64(3')) return (out, ms: number) => out.u64(ms);
  if (type.startsWith('Decimal64(')) return (out, cell: bigint) => out.i64(cell);
  const simple = SIMPLE[type];
  if (simple === undefined) throw new RangeError(`no way to write ${type}`);
  return simple;
}

const SIMPLE: Readonly<Record<string, WriteCell>> = {
  String: (out, cell: string) => out.text(cell),
  UUID: (out, cell: string) => out.uuid(cell),
  Bool: (out, cell: boolean) => out.u8(cell ? 1 : 0),
  UInt8: (out, cell: number) => out.u8(cell),
  UInt16: (out, cell: number) => out.u16(cell),
  UInt32: (out, cell: number) => out.u32(cell),
  UInt64: (out, cell: number | bigint) => (typeof cell === 'bigint' ? out.i64(cell) : out.u64(cell)),
  Float64: (out, cell: number) => out.f64(cell),
  Date: (out, cell: number) => out.u16(cell),
};

const writersOf = (table: ReceiptTable): readonly WriteCell[] => TABLE_TYPES[table].map(cellWriter);
const WRITERS: Readonly<Record<ReceiptTable, readonly WriteCell[]>> = {
  receipts: writersOf('receipts'),
  attempts: writersOf('attempts'),
  adjustments: writersOf('adjustments'),
  log_entries: writersOf('log_entries'),
};
