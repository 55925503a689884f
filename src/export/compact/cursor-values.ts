import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { bigEndian } from '../../columns/value-digest.js';
import { viewOf } from '../../kernels/memory.js';

type CursorValue = number | bigint | Uint8Array;

/** The values of the cursor's column in a batch of rows. */
export class CursorValues {
  readonly #column: ColumnBuffer;
  /** Undefined for NULL. */
  #values: (CursorValue | undefined)[] = [];

  /** @param column without a dictionary */
  constructor(column: ColumnBuffer) {
    this.#column = column;
  }

  /** Takes the values of the rows that the column holds, and clears it. */
  take(rows: number): void {
    const column = this.#column;
    const levels = column.levels.definition;
    const next = reader(column);
    this.#values = Array.from({ length: rows }, (_, row) => (levels?.[row] === 0 ? undefined : next()));
    column.clearPage();
  }

  at(row: number): CursorValue | undefined {
    return this.#values[row];
  }
}

/** Whether a value is at least another one; NULL is the least. */
export function isAtLeast(value: CursorValue | undefined, other: CursorValue | undefined): boolean {
  if (other === undefined) return true;
  if (value === undefined) return false;
  if (value instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(value, other) >= 0;
  return value >= other;
}

/** Reads one value after the other. */
function reader(column: ColumnBuffer): () => CursorValue {
  const { physical, logical } = column.spec.type;
  const bytes = column.kind === 'boolean' ? column.values : column.plain();
  const view = viewOf(bytes);
  const isUnsigned = logical?.kind === 'integer' && !logical.signed;
  let at = 0;
  const take = (length: number) => (at += length) - length;
  switch (physical) {
    case 'BOOLEAN':
      return () => bytes[take(1)] ?? 0;
    case 'INT32':
      return () => (isUnsigned ? view.getUint32(take(4), true) : view.getInt32(take(4), true));
    case 'INT64':
      return () => (isUnsigned ? view.getBigUint64(take(8), true) : view.getBigInt64(take(8), true));
    case 'FLOAT':
      return () => view.getFloat32(take(4), true);
    case 'DOUBLE':
      return () => view.getFloat64(take(8), true);
    case 'BYTE_ARRAY':
      return () => {
        const length = view.getInt32(take(4), true);
        return bytes.slice(take(length), at);
      };
    case 'FIXED_LEN_BYTE_ARRAY': {
      const { length = 0 } = column.spec.type;
      const isNumber = logical?.kind === 'decimal';
      return () => {
        const value = bytes.slice(take(length), at);
        return isNumber ? bigEndian(value) : value;
      };
    }
    default:
      return physical satisfies never;
  }
}
