import type { BytesColumn } from '../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { viewOf } from '../../kernels/memory.js';
import type { DataPage, DataPages } from '../../parquet-reader/data-pages.js';
import { appendBytes } from './append-bytes.js';
import type { PlainValues, ToPlain } from './plain-values.js';

/** Positions of the values of kept rows, negative for NULL. */
let picked = new Int32Array(2048);

/** Copies rows of one column into a buffer, in their order. */
export interface ColumnCopy {
  /**
   * Goes on by so many rows.
   * @param isKept by row: 0 for those that are passed over
   */
  copy(rows: number, isKept: Uint8Array): void;
}

/** Copies rows of a column chunk, page by page, as they are stored. */
export class ChunkCopy implements ColumnCopy {
  readonly #pages: DataPages;
  readonly #column: ColumnBuffer;
  readonly #toPlain: ToPlain;
  readonly #isList: boolean;
  /** What a list's definition levels become: the buffer's column may be nullable where the chunk's is not. */
  readonly #levelShift: number;
  #page: DataPage | undefined;
  #values: PlainValues | undefined;
  #dictionary: PlainValues | undefined;
  /** Next entry of the page, and its next value. */
  #entry = 0;
  #value = 0;

  constructor(pages: DataPages, { column, toPlain }: { readonly column: ColumnBuffer; readonly toPlain: ToPlain }) {
    this.#pages = pages;
    this.#column = column;
    this.#toPlain = toPlain;
    this.#isList = column.levels.maxRepetition > 0;
    this.#levelShift = column.levels.maxDefinition - pages.maxDefinition;
  }

  copy(rows: number, isKept: Uint8Array): void {
    if (this.#isList) this.#copyLists(rows, isKept);
    else this.#copyValues(rows, isKept);
  }

  #copyValues(rows: number, isKept: Uint8Array): void {
    for (let done = 0; done < rows;) {
      const page = this.#current();
      if (page === undefined) throw new Error('a column has fewer rows than its row group');
      const count = Math.min(rows - done, page.count - this.#entry);
      const kept = this.#pick(page, count, isKept.subarray(done, done + count));
      const nulls = this.#column.levels.appendOffsets(picked, 0, kept);
      if (nulls > 0 && this.#column.levels.maxDefinition === 0) throw new Error('NULL in a column without NULLs');
      this.#append(page, kept);
      done += count;
    }
  }

  /** Of the page's next entries, the positions of the values that are kept. @returns how many */
  #pick({ definitionLevels: levels }: DataPage, count: number, isKept: Uint8Array): number {
    if (picked.length < count) picked = new Int32Array(count * 2);
    const present = this.#pages.maxDefinition;
    const first = this.#entry;
    let value = this.#value;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const isNull = levels.length > 0 && levels[first + i] !== present;
      if (isKept[i] !== 0) picked[kept++] = isNull ? -1 : value;
      if (!isNull) value++;
    }
    this.#entry += count;
    this.#value = value;
    return kept;
  }

  #copyLists(rows: number, isKept: Uint8Array): void {
    const { levels } = this.#column;
    const present = this.#pages.maxDefinition;
    let row = -1;
    for (;;) {
      const page = this.#current();
      if (page === undefined) break;
      const { definitionLevels, repetitionLevels, count } = page;
      let kept = 0;
      let isEnd = false;
      if (picked.length < count) picked = new Int32Array(count * 2);
      for (; this.#entry < count; this.#entry++) {
        const repetition = repetitionLevels[this.#entry] ?? 0;
        if (repetition === 0 && row + 1 === rows) {
          isEnd = true;
          break;
        }
        if (repetition === 0) row++;
        const definition = definitionLevels.length === 0 ? present : (definitionLevels[this.#entry] ?? 0);
        const isNull = definition !== present;
        if (isKept[row] !== 0) {
          levels.append(definition + this.#levelShift, repetition);
          if (!isNull) picked[kept++] = this.#value;
        }
        if (!isNull) this.#value++;
      }
      this.#append(page, kept);
      if (isEnd) break;
    }
    if (row + 1 !== rows) throw new Error('a column has fewer rows than its row group');
  }

  /** The page with the next entry; undefined after the last. */
  #current(): DataPage | undefined {
    while (this.#page === undefined || this.#entry === this.#page.count) {
      const page = this.#pages.next();
      this.#page = page;
      this.#entry = 0;
      this.#value = 0;
      if (page === undefined) return undefined;
      this.#values = page.isIndexed ? undefined : this.#toPlain(page.values);
      if (page.isIndexed && this.#dictionary === undefined && this.#pages.dictionary !== undefined)
        this.#dictionary = this.#toPlain(this.#pages.dictionary);
    }
    return this.#page;
  }

  /** Appends the values at the first `count` of the picked positions. */
  #append({ isIndexed, values: positions }: DataPage, count: number): void {
    let present = 0;
    for (let i = 0; i < count; i++) {
      const value = picked[i] as number; // i is below count
      if (value >= 0) picked[present++] = isIndexed ? (positions[value] as number) : value; // positions in the dictionary
    }
    const values = isIndexed ? this.#dictionary : this.#values;
    if (present > 0 && values !== undefined) appendValues(this.#column, values, present);
  }
}

/** Copies rows of a part that lacks the column. */
export class NullCopy implements ColumnCopy {
  readonly #column: ColumnBuffer;

  constructor(column: ColumnBuffer) {
    this.#column = column;
  }

  copy(rows: number, isKept: Uint8Array): void {
    const { levels } = this.#column;
    let kept = 0;
    for (let i = 0; i < rows; i++) if (isKept[i] !== 0) kept++;
    if (levels.maxRepetition > 0) for (let i = 0; i < kept; i++) levels.append(0, 0);
    else {
      if (picked.length < kept) picked = new Int32Array(kept * 2);
      levels.appendOffsets(picked.fill(-1, 0, kept), 0, kept);
    }
  }
}

/* `… as number` below: indices are within bounds. */

/** Appends the values at the first `count` of the picked positions, none of which is negative. */
function appendValues(column: ColumnBuffer, from: PlainValues, count: number): void {
  checkPositions(lengthOf(from), count);
  if (column.kind === 'int32' && from.kind === 'int32') {
    column.reserve(count);
    const { values, end } = column;
    for (let i = 0; i < count; i++) values[end + i] = from.values[picked[i] as number] as number;
    column.takeTo(end + count);
  } else if (column.kind === 'int64' && from.kind === 'int64') {
    column.reserve(count);
    const { words, end } = column;
    for (let i = 0; i < count; i++) {
      const at = (picked[i] as number) << 1;
      words[(end + i) << 1] = from.words[at] as number;
      words[((end + i) << 1) + 1] = from.words[at + 1] as number;
    }
    column.takeTo(end + count);
  } else if (column.kind === 'fixed' && from.kind === 'bytes') {
    column.reserve(count);
    const { data, end, width } = column;
    for (let i = 0; i < count; i++) data.set(from.values[picked[i] as number] as Uint8Array, end + i * width);
    column.take(count);
  } else if (column.kind === 'bytes' && from.kind === 'bytes') {
    column.reserve(count);
    for (let i = 0; i < count; i++) appendValue(column, from.values[picked[i] as number] as Uint8Array);
  } else if (column.kind === 'boolean' && from.kind === 'boolean') {
    column.reserve(count);
    const { values, valueCount } = column;
    for (let i = 0; i < count; i++) values[valueCount + i] = from.values[picked[i] as number] === true ? 1 : 0;
    column.valueCount += count;
  } else throw new TypeError(`column ${column.spec.name}: ${from.kind} is no value of it`);
}

function lengthOf(values: PlainValues): number {
  return values.kind === 'int64' ? values.words.length / 2 : values.values.length;
}

function checkPositions(length: number, count: number): void {
  for (let i = 0; i < count; i++) {
    if ((picked[i] as number) >= length) throw new Error(`the dictionary has no value ${picked[i] ?? ''}`);
  }
}

/** Values of a page are views of one buffer, which gets its own views once. */
let page = new Uint8Array(0);
let pageView = viewOf(page);

function appendValue(column: BytesColumn, { buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer !== page.buffer) {
    page = new Uint8Array(buffer as ArrayBuffer); // no memory is shared with other threads
    pageView = viewOf(page);
  }
  appendBytes(column, { bytes: page, view: pageView, start: byteOffset, length: byteLength });
}
