/*
 * The first pass over the rows of a TDS response: where the fields of complete rows are. See the RowScanner of mssql/tds,
 * whose state it works on.
 */

const ROW: u32 = 0xd1;
/** A row after a bitmap of its NULLs, which take no further bytes. */
const ROW_WITH_BITMAP: u32 = 0xd2;

/** Layouts of a field, unless it is the width that all values have. See wire-type.ts. */
const BYTE_LENGTH: i32 = 0;
const SHORT_LENGTH: i32 = -1;

const SHORT_NULL: u32 = 0xffff;
const CHUNKS_NULL: u64 = 0xffffffffffffffff;
/** Size of the total length before the chunks. */
const CHUNKS_LENGTH_BYTES: usize = 8;

/** The results of `scanTds`. */
const INCOMPLETE: i32 = 0;
const FULL: i32 = 1;
const TOKEN: i32 = 2;

/** Fields of the state, each of 4 bytes. */
const START: usize = 0;
const ROWS: usize = 4;

/**
 * Adds complete rows from the state's start on, and moves the start behind them.
 * @param state start (an offset from `wire`), rows in the table
 * @param layouts of each column
 * @param lengths of each column's last value after a length of one byte: where it is the same again, as it nearly always
 *   is, the position of the next field depends on no load. Renewed here; no length where none is known.
 * @returns 0 incomplete row or nothing, 1 table full, 2 a token that is no row
 */
export function scanTds(
  state: usize,
  wire: usize,
  received: usize,
  columns: u32,
  layouts: usize,
  lengths: usize,
  capacity: u32,
  offsets: usize,
  stride: usize,
): i32 {
  const end: usize = wire + received;
  const bitmapBytes: usize = (columns + 7) >>> 3;
  let position: usize = wire + load<u32>(state, START);
  let rows: u32 = load<u32>(state, ROWS);
  let result: i32 = INCOMPLETE;
  while (position < end) {
    const token: u32 = load<u8>(position);
    if (token != ROW && token != ROW_WITH_BITMAP) {
      result = TOKEN;
      break;
    }
    if (rows == capacity) {
      result = FULL;
      break;
    }
    const bitmap: usize = token == ROW ? 0 : position + 1;
    let at: usize = position + 1 + (token == ROW ? 0 : bitmapBytes);
    if (at > end) break;
    let slot: usize = offsets + ((<usize>rows) << 2);
    for (let i: u32 = 0; i < columns; i++, slot += stride) {
      if (bitmap != 0 && ((load<u8>(bitmap + (i >>> 3)) >>> (i & 7)) & 1) != 0) {
        store<i32>(slot, -1);
        continue;
      }
      const layout = load<i32>(layouts + ((<usize>i) << 2));
      if (layout > 0) {
        store<u32>(slot, <u32>(at - wire));
        at += layout;
        continue;
      }
      // Also after fixed widths, whose values were not read.
      if (at >= end) {
        at = 0;
        break;
      }
      if (layout == BYTE_LENGTH) {
        const guess: usize = lengths + ((<usize>i) << 2);
        const length: u32 = load<u8>(at);
        at++;
        if (length == load<u32>(guess)) {
          store<u32>(slot, <u32>(at - wire));
          at += load<u32>(guess);
        } else if (length == 0) {
          store<i32>(slot, -1);
        } else {
          store<u32>(slot, <u32>(at - wire));
          store<u32>(guess, length);
          at += length;
        }
      } else if (layout == SHORT_LENGTH) {
        if (at + 2 > end) {
          at = 0;
          break;
        }
        const length: u32 = load<u16>(at);
        at += 2;
        if (length == SHORT_NULL) {
          store<i32>(slot, -1);
        } else {
          store<u32>(slot, <u32>(at - wire));
          at += length;
        }
      } else {
        at = scanChunks(at, end, wire, slot);
        if (at == 0) break;
      }
    }
    if (at == 0 || at > end) break;
    position = at;
    rows++;
  }
  store<u32>(state, <u32>(position - wire), START);
  store<u32>(state, rows, ROWS);
  return result;
}

/** @returns the end of the value; 0 if it is incomplete */
function scanChunks(at: usize, end: usize, wire: usize, slot: usize): usize {
  if (at + CHUNKS_LENGTH_BYTES > end) return 0;
  const total = load<u64>(at);
  at += CHUNKS_LENGTH_BYTES;
  if (total == CHUNKS_NULL) {
    store<i32>(slot, -1);
    return at;
  }
  store<u32>(slot, <u32>(at - wire));
  while (true) {
    if (at + 4 > end) return 0;
    const length: usize = load<u32>(at);
    at += 4;
    if (length == 0) return at;
    if (length > end - at) return 0;
    at += length;
  }
}

/**
 * Joins the chunks of complete values in place: the later ones move up to the first, whose length becomes that of all.
 * The offsets, NULLs among them, are moved from that length to the value.
 */
export function gatherTds(wire: usize, offsets: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const slot = offsets + ((<usize>i) << 2);
    const offset = load<i32>(slot);
    if (offset < 0) continue;
    const start: usize = wire + offset;
    const first: u32 = load<u32>(start);
    store<i32>(slot, offset + 4);
    if (first == 0) continue;
    const data: usize = start + 4;
    let to: usize = data + first;
    let from: usize = to;
    for (let length = load<u32>(from); length != 0; length = load<u32>(from)) {
      memory.copy(to, from + 4, length);
      to += length;
      from += 4 + <usize>length;
    }
    store<u32>(start, <u32>(to - data));
  }
}
