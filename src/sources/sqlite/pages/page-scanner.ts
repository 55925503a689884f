import { viewOf } from '../../../kernels/memory.js';
import { fieldTable } from '../../wire/field-table.js';
import type { FieldOffsets } from '../../wire/batch-decoder.js';
import { damaged, type PageFile } from './page-file.js';

/* The file format: https://sqlite.org/fileformat2.html, 1.6 (b-tree pages) and 2.1 (records). */

const FILE_HEADER_BYTES = 100;
const INTERIOR_TABLE = 0x05;
const LEAF_TABLE = 0x0d;

/** Used in place of a record's serial type: the value is the rowid, a varint. */
export const ROWID = -1;
/** A double. */
export const REAL = 7;
/** From here on, serial types are blobs (even) and text (odd) of `(type - 12) >> 1` bytes. */
export const FIRST_OF_LENGTH = 12;
/** Sizes in bytes of the serial types below that; 10 and 11 are reserved. */
const SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

const BUFFER_BYTES = 1 << 20;

export interface PageRange {
  /** First rowid. */
  readonly from: number;
  /** Exclusive end. */
  readonly to: number;
}

export interface StoredColumn {
  readonly isRowid: boolean;
  /** A row from before the column was added stores no value for it, which does not mean NULL. */
  readonly hasDefault: boolean;
}

/** What follows the scanned rows. */
export type ScanEnd =
  | { readonly kind: 'full' }
  | { readonly kind: 'end' }
  /** A row that only SQLite itself can read, and where it goes on. */
  | { readonly kind: 'beyond'; readonly rowid: bigint };

const FULL: ScanEnd = { kind: 'full' };
const END: ScanEnd = { kind: 'end' };

/**
 * First of two passes over a table's pages: locates the fields of the rows. An offset is an index into `starts` and
 * `types`, because a record stores its types apart from its values.
 */
export class PageScanner implements FieldOffsets {
  readonly capacity: number;
  readonly stride: number;
  readonly offsets: Int32Array;
  rows = 0;
  /** Start of each field's value. */
  readonly starts: Int32Array;
  /** Serial type of each field, or `ROWID`. */
  readonly types: Int32Array;
  bytes = new Uint8Array(BUFFER_BYTES);
  view = viewOf(this.bytes);
  /** Bytes of the pages read so far. */
  bytesRead = 0;
  /** Bytes of the buffer in use. */
  used = 0;
  readonly #file: PageFile;
  readonly #columns: readonly StoredColumn[];
  readonly #range: PageRange;
  /** Pages still to read, by level of the tree; the next one is the last of the last level. */
  readonly #pending: number[][];
  #page = 0;
  #cell = 0;
  #cells = 0;
  /** Position of the page's cell pointers. */
  #cellPointers = 0;
  /** End of the last varint read. */
  #end = 0;

  constructor(options: {
    readonly file: PageFile;
    readonly root: number;
    readonly columns: readonly StoredColumn[];
    readonly range: PageRange;
  }) {
    const { file, root, columns, range } = options;
    this.#file = file;
    this.#columns = columns;
    this.#range = range;
    this.#pending = [[root]];
    const { capacity, stride } = fieldTable(columns.length);
    this.capacity = capacity;
    this.stride = stride;
    this.offsets = new Int32Array(this.stride * columns.length);
    this.starts = new Int32Array(this.offsets.length);
    this.types = new Int32Array(this.offsets.length);
  }

  /** Adds rows until the end of the table or range, or until the buffer is full. @throws LakeportError for a damaged file */
  scan(): ScanEnd {
    for (;;) {
      while (this.#cell < this.#cells) {
        if (this.rows === this.capacity) return FULL;
        const end = this.#scanCell();
        if (end !== undefined) return end;
      }
      if (this.used + this.#file.pageSize > this.bytes.length && this.rows > 0) return FULL;
      const next = this.#nextPage();
      if (next === undefined) return END;
      this.#enter(next);
    }
  }

  #nextPage(): number | undefined {
    for (;;) {
      const level = this.#pending.at(-1);
      if (level === undefined) return undefined;
      const page = level.pop();
      if (page !== undefined) return page;
      this.#pending.pop();
    }
  }

  #enter(page: number): void {
    if (this.rows === 0) {
      this.used = 0;
      if (this.bytes.length > BUFFER_BYTES) this.#resize(BUFFER_BYTES);
    }
    const { pageSize } = this.#file;
    this.#page = this.used;
    this.#file.read(page, this.bytes, this.#page);
    this.bytesRead += pageSize;
    const header = this.#page + (page === 1 ? FILE_HEADER_BYTES : 0);
    const type = this.bytes[header];
    const cells = this.view.getUint16(header + 3);
    if (type === INTERIOR_TABLE) {
      this.#cells = 0;
      this.#pending.push(this.#children(header, cells));
      if (this.#pending.length > 32) throw damaged(`page ${page} is its own descendant`);
      return;
    }
    if (type !== LEAF_TABLE) throw damaged(`page ${page} is not a table page`);
    this.#cells = cells;
    this.#cell = 0;
    this.#cellPointers = header + 8;
    this.used += pageSize;
  }

  /** Child pages of an interior page that overlap the range, the last one first. */
  #children(header: number, cells: number): number[] {
    const { from, to } = this.#range;
    const children: number[] = [];
    let least = -Infinity;
    for (let i = 0; i <= cells; i++) {
      // The largest key in the child; unknown for the last child.
      let greatest = Infinity;
      let child: number;
      if (i < cells) {
        const cell = this.#page + this.view.getUint16(header + 12 + 2 * i);
        child = this.view.getUint32(cell);
        greatest = Number(this.#readRowid(cell + 4));
      } else {
        child = this.view.getUint32(header + 8);
      }
      if (greatest >= from && least < to) children.push(child);
      least = greatest;
    }
    return children.reverse();
  }

  /** @returns why the scan ends; undefined if the row was added or skipped */
  #scanCell(): ScanEnd | undefined {
    const cell = this.#page + this.view.getUint16(this.#cellPointers + 2 * this.#cell);
    const size = this.#readVarint(cell);
    const rowidAt = this.#end;
    const rowid = this.#readRowid(rowidAt);
    const { from, to } = this.#range;
    if (typeof rowid === 'bigint' && (rowid > 0n ? to : from) === (rowid > 0n ? Infinity : -Infinity)) {
      return { kind: 'beyond', rowid };
    }
    if (rowid < from) {
      this.#cell++;
      return undefined;
    }
    if (rowid >= to) {
      this.#pending.length = 0;
      this.#cells = 0;
      return undefined;
    }
    const { usable, pageSize } = this.#file;
    let record = this.#end;
    if (size > usable - 35) {
      const room = this.used + size + pageSize;
      if (room > this.bytes.length) {
        if (this.rows > 0) return FULL;
        // The page moves to the start of a larger buffer; the cell is read again from there.
        this.#resize(2 * pageSize + size, this.#page);
        return undefined;
      }
      record = this.#gather(record, size);
    }
    return this.#scanRecord({ record, size, rowid, rowidAt });
  }

  #scanRecord(row: {
    readonly record: number;
    readonly size: number;
    readonly rowid: number | bigint;
    readonly rowidAt: number;
  }): ScanEnd | undefined {
    const { bytes, stride, offsets, starts, types } = this;
    const columns = this.#columns;
    const headerBytes = this.#readVarint(row.record);
    let at = this.#end;
    const headerEnd = row.record + headerBytes;
    const end = row.record + row.size;
    let value = headerEnd;
    let slot = this.rows;
    for (let i = 0; i < columns.length; i++, slot += stride) {
      const column = columns[i] as StoredColumn; // i is within bounds
      if (at >= headerEnd) {
        // SQLite would insert the column's default here.
        if (column.hasDefault) return { kind: 'beyond', rowid: BigInt(row.rowid) };
        offsets[slot] = -1;
        continue;
      }
      let type = bytes[at++] as number; // within the page
      if (type >= 0x80) {
        type = this.#readVarint(at - 1);
        at = this.#end;
      }
      if (type === 0) {
        offsets[slot] = column.isRowid ? slot : -1;
        starts[slot] = row.rowidAt;
        types[slot] = ROWID;
        continue;
      }
      offsets[slot] = slot;
      starts[slot] = value;
      types[slot] = type;
      value += type < FIRST_OF_LENGTH ? (SIZES[type] ?? 0) : (type - FIRST_OF_LENGTH) >>> 1;
    }
    if (value > end || headerEnd > end || end > bytes.length) throw damaged('a record exceeds its declared length');
    this.rows++;
    this.#cell++;
    return undefined;
  }

  /** Joins a record with its overflow pages, after the current page. @returns its start */
  #gather(start: number, size: number): number {
    const { usable, pageSize } = this.#file;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (usable - 4));
    const local = wanted <= usable - 35 ? wanted : least;
    const record = this.used;
    this.bytes.copyWithin(record, start, start + local);
    let next = this.view.getUint32(start + local);
    let at = record + local;
    const end = record + size;
    while (at < end) {
      // A page is read to four bytes before its content's place, over the end of the content so far.
      const kept = this.view.getUint32(at - 4);
      this.#file.read(next, this.bytes, at - 4);
      this.bytesRead += pageSize;
      next = this.view.getUint32(at - 4);
      this.view.setUint32(at - 4, kept);
      at += Math.min(usable - 4, end - at);
    }
    this.used = end;
    return record;
  }

  /** @param from the page to keep */
  #resize(bytes: number, from?: number): void {
    const { pageSize } = this.#file;
    const grown = new Uint8Array(Math.max(bytes, BUFFER_BYTES));
    if (from !== undefined) {
      grown.set(this.bytes.subarray(from, from + pageSize));
      this.#cellPointers -= from;
      this.#page = 0;
      this.used = pageSize;
    }
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  /** A varint of up to 7 bytes, which suffices for all but rowids. */
  #readVarint(start: number): number {
    const { bytes } = this;
    let at = start;
    let byte = bytes[at++] as number; // within the page
    let value = byte & 0x7f;
    while (byte >= 0x80) {
      if (at - start > 7) throw damaged('a number is too large');
      byte = bytes[at++] as number;
      value = value * 128 + (byte & 0x7f);
    }
    this.#end = at;
    return value;
  }

  /** A bigint if a double would not be exact. */
  #readRowid(start: number): number | bigint {
    const { bytes } = this;
    let at = start;
    while (at - start < 8 && (bytes[at] as number) >= 0x80) at++;
    const length = at - start + 1;
    if (length < 8) return this.#readVarint(start);
    this.#end = start + length;
    const value = wideVarint(bytes, start, length);
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
}

/** Of 8 bytes, or of 9 with a full last byte; signed. */
function wideVarint(bytes: Uint8Array, start: number, length: number): bigint {
  let value = 0n;
  for (let i = 0; i < length; i++) {
    const byte = BigInt(bytes[start + i] ?? 0);
    value = i === 8 ? (value << 8n) | byte : (value << 7n) | (byte & 0x7fn);
  }
  return BigInt.asIntN(64, value);
}

/** Writes a rowid's varint as two words, the low one first. */
export function rowidWords(bytes: Uint8Array, start: number, out: Int32Array): void {
  let length = 1;
  while (length < 9 && (bytes[start + length - 1] ?? 0) >= 0x80) length++;
  if (length < 5) {
    let value = 0;
    for (let i = 0; i < length; i++) value = (value << 7) | ((bytes[start + i] ?? 0) & 0x7f);
    out[0] = value;
    out[1] = 0;
    return;
  }
  const value = wideVarint(bytes, start, length);
  out[0] = Number(BigInt.asIntN(32, value));
  out[1] = Number(BigInt.asIntN(32, value >> 32n));
}
