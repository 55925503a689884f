import type { Kernels } from '../../../kernels/kernels.js';
import { fieldTable } from '../../wire/field-table.js';
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

/** Bytes of the kernel's state: start, rows, bytes of a message, 4 bytes each. */
const STATE_BYTES = 12;

/**
 * First of two passes over a binary COPY: locates the fields of complete rows. The second pass, one loop per column, then
 * works on plain offsets.
 */
export class RowScanner {
  /** Maximum number of rows in the table. */
  readonly capacity: number;
  /** Distance of two columns in `offsets`. */
  readonly stride: number;
  /** By column: the offset of row `r` of column `c` is at `c * stride + r`; negative for NULL. */
  readonly offsets: Int32Array;
  /** Rows in the table. */
  rows = 0;
  readonly #columns: number;
  readonly #kernel: ScanKernel | undefined;
  #headerSeen = false;

  /** @param kernels of the memory that received bytes may lie in */
  constructor(columns: number, kernels?: Kernels) {
    this.#columns = columns;
    const { capacity, stride } = fieldTable(columns);
    this.capacity = capacity;
    this.stride = stride;
    this.#kernel = kernels && scanKernel(kernels, columns, stride);
    this.offsets = this.#kernel?.offsets ?? new Int32Array(stride * columns);
  }

  /**
   * Adds complete rows from the buffer's start on, and moves the start past them.
   * @throws Error if the bytes are not a binary COPY with this many columns
   */
  scan(buffer: ReceiveBuffer): ScanEnd {
    const wire = this.#kernel?.kernels.address(buffer.bytes) ?? -1;
    if (this.#kernel !== undefined && wire >= 0 && this.#headerSeen)
      return this.#scanByKernel(this.#kernel, buffer, wire);
    const { bytes, view, end } = buffer;
    const { capacity, offsets, stride } = this;
    const columns = this.#columns;
    const last = stride * columns;
    let position = buffer.start;
    let rows = this.rows;
    let result: ScanEnd | undefined;
    while (result === undefined) {
      if (end - position < MESSAGE_HEADER_BYTES) {
        result = { kind: 'incomplete', messageBytes: 0 };
        break;
      }
      const next = position + 1 + view.getInt32(position + 1);
      if (next < position + MESSAGE_HEADER_BYTES) throw badRow();
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
        for (let slot = rows; slot < last; slot += stride) {
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
        throw new Error(`a row has other fields than the ${columns} of its table`);
      }
      if (at !== next) throw badRow();
      position = next;
    }
    buffer.start = position;
    this.rows = rows;
    return result;
  }

  #scanByKernel({ kernels, offsets, state, lengths }: ScanKernel, buffer: ReceiveBuffer, wire: number): ScanEnd {
    const columns = this.#columns;
    const { view } = kernels;
    view.setUint32(state, buffer.start, true);
    view.setUint32(state + 4, this.rows, true);
    const { capacity, stride } = this;
    const { run } = kernels;
    const end = run.scanCopy(state, wire, buffer.end, columns, capacity, offsets.byteOffset, stride * 4, lengths);
    buffer.start = view.getUint32(state, true);
    this.rows = view.getUint32(state + 4, true);
    const messageBytes = view.getUint32(state + 8, true);
    switch (end) {
      case 0:
        return { kind: 'incomplete', messageBytes };
      case 1:
        return FULL;
      case 2:
        return { kind: 'message', messageBytes };
      case 3:
        throw new Error(`a row has other fields than the ${columns} of its table`);
      default:
        throw badRow();
    }
  }

  #skipHeader(buffer: ReceiveBuffer, at: number): number {
    SIGNATURE.forEach((byte, i) => {
      if (buffer.bytes[at + i] !== byte) throw new Error('the data is not a binary COPY');
    });
    this.#headerSeen = true;
    return at + HEADER_BYTES + buffer.view.getInt32(at + HEADER_BYTES - 4);
  }
}

function badRow(): Error {
  return new Error('a row does not end with its message');
}

interface ScanKernel {
  readonly kernels: Kernels;
  readonly offsets: Int32Array;
  /** Addresses. */
  readonly state: number;
  readonly lengths: number;
}

/** Undefined if the kernels' memory has no room for the table. */
function scanKernel(kernels: Kernels, columns: number, stride: number): ScanKernel | undefined {
  const offsets = kernels.scratch('offsets', stride * columns * 4);
  const state = kernels.scratch('state', STATE_BYTES);
  const lengths = kernels.scratch('lengths', columns * 8);
  if (offsets === undefined || state === undefined || lengths === undefined) return undefined;
  // A field of no bytes, as good a guess as any for the first row.
  lengths.fill(0);
  return {
    kernels,
    offsets: new Int32Array(offsets.buffer, offsets.byteOffset, stride * columns),
    state: state.byteOffset,
    lengths: lengths.byteOffset,
  };
}
