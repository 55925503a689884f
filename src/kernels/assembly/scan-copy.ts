import { swap16, swap32 } from './bytes-order';

/*
 * The first pass over a binary COPY: where the fields of complete rows are. See the RowScanner of postgres/copy, whose state it works on.
 */

const COPY_DATA: u32 = 0x64;

/** The results of `scanCopy`. */
const INCOMPLETE: i32 = 0;
const FULL: i32 = 1;
const MESSAGE: i32 = 2;
const OTHER_FIELDS: i32 = 3;
const BAD_ROW: i32 = 4;

/** Fields of the state, each of 4 bytes. */
const START: usize = 0;
const ROWS: usize = 4;
const MESSAGE_BYTES: usize = 8;

/**
 * Adds complete rows from the state's start on, and moves the start behind them.
 *
 * The length of each field is guessed to be that of the row before (`lengths`, as they lie in the message): where the
 * guess is right, the position of the next field depends on no load, which is what makes this fast.
 * @param state start (an offset from `wire`), rows in the table, and out: bytes of the message at the start, if known
 * @param lengths of each column, two words: as sent, and as a number; renewed here
 * @returns 0 incomplete message, 1 table full, 2 another message, 3 a row of another number of fields, 4 a bad row
 */
export function scanCopy(
  state: usize,
  wire: usize,
  received: usize,
  columns: u32,
  capacity: u32,
  offsets: usize,
  stride: usize,
  lengths: usize,
): i32 {
  let position: usize = wire + load<u32>(state, START);
  const end: usize = wire + received;
  let rows: u32 = load<u32>(state, ROWS);
  const lastLength: usize = lengths + ((<usize>columns) << 3);
  const fieldCount: u32 = swap16(columns);
  let result: i32 = INCOMPLETE;
  let message: u32 = 0;
  while (true) {
    if (position + 5 > end) break;
    const size: u32 = 1 + swap32(load<u32>(position, 1));
    const next: usize = position + size;
    if (size < 5 || size > <u32>i32.MAX_VALUE) {
      result = BAD_ROW;
      break;
    }
    if (<usize>size > end - position) {
      message = size;
      break;
    }
    if (load<u8>(position) != COPY_DATA) {
      result = MESSAGE;
      message = size;
      break;
    }
    if (rows == capacity) {
      result = FULL;
      break;
    }
    let at: usize = position + 7;
    if (at > next) {
      result = BAD_ROW;
      break;
    }
    const fields: u32 = load<u16>(position, 5);
    if (fields == fieldCount) {
      let slot: usize = offsets + ((<usize>rows) << 2);
      for (let guess: usize = lengths; guess < lastLength; guess += 8) {
        const raw: u32 = load<u32>(at);
        at += 4;
        if (raw == load<u32>(guess)) {
          store<u32>(slot, <u32>(at - wire));
          at += load<u32>(guess, 4);
        } else {
          const length: i32 = <i32>swap32(raw);
          if (length < 0) {
            store<i32>(slot, -1);
          } else {
            store<u32>(slot, <u32>(at - wire));
            if (at > next || <usize>length > next - at) {
              // Anything but the end of the message.
              at = 0;
              break;
            }
            at += length;
            store<u32>(guess, raw);
            store<u32>(guess, <u32>length, 4);
          }
        }
        slot += stride;
        if (at > next) break;
      }
      if (at != next) {
        result = BAD_ROW;
        break;
      }
      rows++;
    } else if (fields != 0xffff) {
      result = OTHER_FIELDS;
      break;
    } else if (at != next) {
      result = BAD_ROW;
      break;
    }
    position = next;
  }
  store<u32>(state, <u32>(position - wire), START);
  store<u32>(state, rows, ROWS);
  store<u32>(state, message, MESSAGE_BYTES);
  return result;
}
