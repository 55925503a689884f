import type { ReceiveBuffer } from './receive-buffer.js';

/** `PGCOPY\n\xff\r\n\0`, flags and extension length: precedes the first row, in the same message. */
const SIGNATURE = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00];
const HEADER_BYTES = SIGNATURE.length + 8;

export const COPY_DATA = 0x64; // 'd'
/** Type and length of a message. */
export const MESSAGE_HEADER_BYTES = 5;

/** What follows the scanned rows. */
export type ScanEnd =
  /** The next message is incomplete; its total length in bytes if known, else 0. */
  | { readonly kind: 'incomplete'; readonly messageBytes: number }
  /** The table is full: its rows have to be decoded first. */
  | { readonly kind: 'full' }
  /** A complete message other than CopyData, of so many bytes. */
  | { readonly kind: 'message'; readonly messageBytes: number };

const FULL: ScanEnd = { kind: 'full' };

/**
 * First of two passes over a binary COPY: locates the fields of complete rows. The second pass, one loop per column, then
 * works on plain offsets.
 */
export class RowScanner {
  /** Maximum number of rows in the table. */
  readonly capacity: number;
  /** By column: the offset of row `r` of column `c` is at `c * capacity + r`; negative for NULL. */
  readonly offsets: Int32Array;
  /** Rows in the table. */
  rows = 0;
  readonly #columns: number;
  #headerSeen = false;

  constructor(columns: number) {
    this.#columns = columns;
    this.capacity = Math.max(32, Math.min(1024, Math.floor((1 << 16) / Math.max(columns, 1))));
    this.offsets = new Int32Array(this.capacity * columns);
  }

  /**
   * Adds complete rows from the buffer's start on, and moves the start past them.
   * @throws Error if the bytes are not a binary COPY with this many columns
   */
  scan(buffer: ReceiveBuffer): ScanEnd {
    const { bytes, view, end } = buffer;
    const { capacity, offsets } = this;
    const columns = this.#columns;
    const last = capacity * columns;
    let position = buffer.start;
    let rows = this.rows;
    let result: ScanEnd | undefined;
    while (result === undefined) {
      if (end - position < MESSAGE_HEADER_BYTES) {
        result = { kind: 'incomplete', messageBytes: 0 };
        break;
      }
      const next = position + 1 + view.getInt32(position + 1);
      if (next > end) {
        result = { kind: 'incomplete', messageBytes: next - position };
        break;
      }
      if (bytes[position] !== COPY_DATA) {
        result = { kind: 'message', messageBytes: next - position };
        break;
      }
      if (rows === capacity) {
        result = FULL;
        break;
      }
      let at = position + MESSAGE_HEADER_BYTES;
      if (!this.#headerSeen) {
        at = this.#skipHeader(buffer, at);
        if (at === next) {
          position = next;
          continue;
        }
      }
      const fields = view.getInt16(at);
      at += 2;
      if (fields === columns) {
        for (let slot = rows; slot < last; slot += capacity) {
          const length = view.getInt32(at);
          at += 4;
          if (length < 0) {
            offsets[slot] = -1;
          } else {
            offsets[slot] = at;
            at += length;
          }
        }
        rows++;
      } else if (fields !== -1) {
        throw new Error(`a row has ${fields} fields instead of ${columns}`);
      }
      if (at !== next) throw new Error('a row does not end with its message');
      position = next;
    }
    buffer.start = position;
    this.rows = rows;
    return result;
  }

  #skipHeader(buffer: ReceiveBuffer, at: number): number {
    SIGNATURE.forEach((byte, i) => {
      if (buffer.bytes[at + i] !== byte) throw new Error('the data is not a binary COPY');
    });
    this.#headerSeen = true;
    return at + HEADER_BYTES + buffer.view.getInt32(at + HEADER_BYTES - 4);
  }
}
