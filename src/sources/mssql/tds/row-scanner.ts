import type { Kernels } from '../../../kernels/kernels.js';
import { fieldTable } from '../../wire/field-table.js';
import type { ByteInput } from './byte-input.js';
import { BYTE_LENGTH, type FieldLayout, SHORT_LENGTH } from './wire-type.js';

export const ROW = 0xd1;
/** A row that starts with a bitmap of its NULLs, which take no further bytes (MS-TDS 2.2.7.13). */
export const ROW_WITH_BITMAP = 0xd2;

const SHORT_NULL = 0xffff;

/** Bytes of the kernel's state: start and rows, 4 bytes each. */
const STATE_BYTES = 8;
/** What the kernel returns, by its number. */
const SCAN_ENDS = ['incomplete', 'full', 'token'] as const satisfies readonly ScanEnd[];
/** No length of one byte. */
const UNKNOWN_LENGTH = -1;

/** What follows the scanned rows. */
export type ScanEnd =
  /** An incomplete row, or nothing yet. */
  | 'incomplete'
  /** The table is full: its rows have to be decoded first. */
  | 'full'
  /** A token that is no row. */
  | 'token';

/**
 * First of two passes over rows: locates the fields of complete rows. The second pass, one loop per column, then works on
 * plain offsets.
 */
export class RowScanner {
  /** Maximum number of rows in the table. */
  readonly capacity: number;
  readonly stride: number;
  /**
   * By column: the offset of row `r` of column `c` is at `c * stride + r`; negative for NULL. For a chunked value it is
   * the offset of its first chunk's length.
   */
  readonly offsets: Int32Array;
  /** Rows in the table. */
  rows = 0;
  /** Size in bytes of the NULL bitmap. */
  readonly bitmapBytes: number;
  readonly #layouts: Int32Array;
  readonly #kernel: ScanKernel | undefined;

  /** @param kernels of the memory that received bytes may lie in */
  constructor(layouts: readonly FieldLayout[], kernels?: Kernels) {
    this.#layouts = Int32Array.from(layouts);
    this.bitmapBytes = (layouts.length + 7) >>> 3;
    const { capacity, stride } = fieldTable(layouts.length);
    this.capacity = capacity;
    this.stride = stride;
    this.#kernel = kernels && scanKernel(kernels, this.#layouts, stride);
    this.offsets = this.#kernel?.offsets ?? new Int32Array(stride * layouts.length);
  }

  /** Adds complete rows from the input's start on, and moves the start past them. */
  scan(input: ByteInput): ScanEnd {
    const wire = this.#kernel?.kernels.address(input.bytes) ?? -1;
    if (this.#kernel !== undefined && wire >= 0) return this.#scanByKernel(this.#kernel, input, wire);
    const { bytes, end } = input;
    for (;;) {
      const { start } = input;
      if (start >= end) return 'incomplete';
      const token = bytes[start];
      if (token !== ROW && token !== ROW_WITH_BITMAP) return 'token';
      if (this.rows === this.capacity) return 'full';
      const fields = token === ROW ? start + 1 : start + 1 + this.bitmapBytes;
      if (fields > end) return 'incomplete';
      const next = this.#scanFields(input, fields, token === ROW ? -1 : start + 1);
      if (next < 0) return 'incomplete';
      input.start = next;
      this.rows++;
    }
  }

  #scanByKernel({ kernels, offsets, state, layouts, lengths }: ScanKernel, input: ByteInput, wire: number): ScanEnd {
    const { view, run } = kernels;
    const { capacity, stride } = this;
    view.setUint32(state, input.start, true);
    view.setUint32(state + 4, this.rows, true);
    const columns = this.#layouts.length;
    // prettier-ignore
    const end = run.scanTds(
      state, wire, input.end, columns, layouts, lengths, capacity, offsets.byteOffset, stride * 4,
    );
    input.start = view.getUint32(state, true);
    this.rows = view.getUint32(state + 4, true);
    return SCAN_ENDS[end] as ScanEnd; // it returns no other number
  }

  /**
   * @param bitmap offset of the NULL bitmap; negative for none
   * @returns the end of the row; negative if the row is incomplete
   */
  #scanFields(input: ByteInput, from: number, bitmap: number): number {
    const { bytes, view, end } = input;
    const { offsets, stride } = this;
    const layouts = this.#layouts;
    let at = from;
    // `… as number`: indices are in range, and `at` was compared with the end of the input.
    for (let i = 0, slot = this.rows; i < layouts.length; i++, slot += stride) {
      if (bitmap >= 0 && ((bytes[bitmap + (i >>> 3)] as number) & (1 << (i & 7))) !== 0) {
        offsets[slot] = -1;
        continue;
      }
      const layout = layouts[i] as number;
      if (layout > 0) {
        offsets[slot] = at;
        at += layout;
      } else if (layout === BYTE_LENGTH) {
        if (at >= end) return -1;
        const length = bytes[at] as number;
        offsets[slot] = length === 0 ? -1 : at + 1;
        at += 1 + length;
      } else if (layout === SHORT_LENGTH) {
        if (at + 2 > end) return -1;
        const length = view.getUint16(at, true);
        offsets[slot] = length === SHORT_NULL ? -1 : at + 2;
        at += length === SHORT_NULL ? 2 : 2 + length;
      } else {
        at = scanChunks(input, at, offsets, slot);
        if (at < 0) return -1;
      }
    }
    return at > end ? -1 : at;
  }
}

/** High and low half of the length that stands for NULL. */
const PLP_NULL_WORD = 0xffff_ffff;
/** Size of the total length before the chunks, which the server may leave unknown. */
export const PLP_LENGTH_BYTES = 8;

/** Whether the chunked value at `at` is NULL. */
export function isNullInChunks(view: DataView, at: number): boolean {
  return view.getUint32(at, true) === PLP_NULL_WORD && view.getUint32(at + 4, true) === PLP_NULL_WORD;
}

function scanChunks({ view, end }: ByteInput, from: number, offsets: Int32Array, slot: number): number {
  let at = from + PLP_LENGTH_BYTES;
  if (at > end) return -1;
  if (isNullInChunks(view, from)) {
    offsets[slot] = -1;
    return at;
  }
  offsets[slot] = at;
  for (;;) {
    if (at + 4 > end) return -1;
    const length = view.getUint32(at, true);
    at += 4 + length;
    if (length === 0) return at;
  }
}

interface ScanKernel {
  readonly kernels: Kernels;
  readonly offsets: Int32Array;
  /** Addresses. */
  readonly state: number;
  readonly layouts: number;
  readonly lengths: number;
}

/** Undefined if the kernels' memory has no room for the table. */
function scanKernel(kernels: Kernels, layouts: Int32Array, stride: number): ScanKernel | undefined {
  const columns = layouts.length;
  const offsets = kernels.scratch('offsets', stride * columns * 4);
  const state = kernels.scratch('state', STATE_BYTES);
  const known = kernels.scratch('layouts', columns * 4);
  const lengths = kernels.scratch('lengths', columns * 4);
  if (offsets === undefined || state === undefined || known === undefined || lengths === undefined) return undefined;
  new Int32Array(known.buffer, known.byteOffset, columns).set(layouts);
  new Int32Array(lengths.buffer, lengths.byteOffset, columns).fill(UNKNOWN_LENGTH);
  return {
    kernels,
    offsets: new Int32Array(offsets.buffer, offsets.byteOffset, stride * columns),
    state: state.byteOffset,
    layouts: known.byteOffset,
    lengths: lengths.byteOffset,
  };
}
