import type { FixedBytesColumn } from '../../columns/fixed-bytes-column.js';
import type { Int32Column } from '../../columns/int32-column.js';
import type { JsRow } from './js-row.js';

/**
 * Decimals whose unscaled values arrive as integers; those of 10 to 18 digits are appended like any integer of 64 bits.
 * Both write 0 or -1 into `flags` for each row: whether it has a value.
 */

interface DecimalRows {
  readonly rows: readonly JsRow[];
  readonly from: number;
  readonly to: number;
  readonly index: number;
  /** For each of the rows; negative for NULL. */
  readonly flags: Int32Array;
  readonly refuse: (value: unknown, row: number) => void;
}

/** Of at most 9 digits. */
export function appendDecimals32(column: Int32Column, read: DecimalRows): void {
  column.reserve(read.to - read.from);
  const { values } = column;
  let at = column.end;
  eachInteger(read, (value) => (values[at++] = Number(value)));
  column.takeTo(at);
}

/** Of 19 digits and more, big-endian. */
export function appendDecimalBytes(column: FixedBytesColumn, read: DecimalRows): void {
  column.reserve(read.to - read.from);
  const { data, width } = column;
  let { end } = column;
  let count = 0;
  eachInteger(read, (value) => {
    let rest = value;
    for (let k = width - 1; k >= 0; k--) {
      data[end + k] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    end += width;
    count++;
  });
  column.take(count);
}

function eachInteger({ rows, from, to, index, flags, refuse }: DecimalRows, append: (value: bigint) => void): void {
  for (let i = from; i < to; i++) {
    const value = rows[i]?.[index];
    flags[i - from] = typeof value === 'bigint' ? 0 : -1;
    if (typeof value === 'bigint') append(value);
    else if (value !== null) refuse(value, i);
  }
}
