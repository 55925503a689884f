import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { ColumnSpec } from '../columns/column-spec.js';
import type { Kernels } from '../kernels/kernels.js';
import type { PlainValues } from './plain-values.js';

const BLOCK_BYTES = 32;
/** More distinct values make more false positives instead: at 1 %, it is 13 million. */
const MOST_BYTES = 16 << 20;
/** Elements of a list per row that a filter is begun for. */
const ELEMENTS = 8;

/** Whether a column can have a Bloom filter: for booleans, which have statistics, the format has none. */
export function takesBloomFilter({ type }: Pick<ColumnSpec, 'type'>): boolean {
  return type.physical !== 'BOOLEAN';
}

/**
 * Bytes of a filter for so many distinct values: a power of two, so that it can be halved.
 * Source: BloomFilter.md of the format, "Sizing an SBBF".
 */
export function bloomFilterBytes(values: number, falsePositives: number): number {
  const bits = (-8 * values) / Math.log(1 - falsePositives ** (1 / 8));
  return Math.min(MOST_BYTES, Math.max(BLOCK_BYTES, 2 ** Math.ceil(Math.log2(bits / 8))));
}

/** Bytes of memory that a column's filter takes while a row group is filled. */
export function bloomFilterMemory(spec: ColumnSpec, rowGroupRows: number, falsePositives: number): number {
  return bloomFilterBytes(rowGroupRows * (spec.list ? ELEMENTS : 1), falsePositives);
}

/**
 * The filter of one column chunk after the other. It begins with room for a full row group, and is halved in the end as
 * often as its rate of false positives allows, so the number of distinct values need not be known.
 */
export class BloomFilterBuilder {
  readonly #kernels: Kernels | undefined;
  readonly #capacity: number;
  readonly #falsePositives: number;
  /** Undefined before a chunk's first values. */
  #filter: Uint8Array<ArrayBuffer> | undefined;
  /** Values beyond the kernels' reach: the chunk gets no filter, which readers take as "may be there". */
  #isIncomplete = false;
  #added = 0;

  constructor(column: ColumnBuffer, options: { readonly rowGroupRows: number; readonly falsePositives: number }) {
    const { rowGroupRows, falsePositives } = options;
    this.#kernels = column.memory.kernels;
    this.#falsePositives = falsePositives;
    this.#capacity = bloomFilterMemory(column.spec, rowGroupRows, falsePositives);
  }

  /** Most bytes of the filter if the chunk ended now. */
  get estimatedLength(): number {
    return Math.min(this.#capacity, bloomFilterBytes(this.#added, this.#falsePositives));
  }

  /** Takes values of the column, distinct or not. */
  add(column: ColumnBuffer, { bytes, count }: PlainValues): void {
    const kernels = this.#kernels;
    if (count === 0 || this.#isIncomplete) return;
    const place = kernels && this.#place(kernels);
    const from = kernels && reachable(kernels, bytes);
    if (kernels === undefined || place === undefined || from === undefined) {
      this.#isIncomplete = true;
      return;
    }
    this.#added += count;
    const { run } = kernels;
    const blocks = this.#capacity / BLOCK_BYTES;
    const { physical } = column.spec.type;
    if (physical === 'BYTE_ARRAY') run.bloomBytes(from, bytes.length, place, blocks);
    else if (physical === 'FLOAT') run.bloomFloats(from, count, place, blocks);
    else if (physical === 'DOUBLE') run.bloomDoubles(from, count, place, blocks);
    else run.bloomFixed(from, count, bytes.length / count, place, blocks);
  }

  /** The chunk's filter as it lies in the file, with its header; undefined if there is none. Starts the next one. */
  finish(): Uint8Array | undefined {
    const filter = this.#filter;
    const isIncomplete = this.#isIncomplete;
    this.#filter = undefined;
    this.#isIncomplete = false;
    this.#added = 0;
    if (filter === undefined || this.#kernels === undefined) return undefined;
    const bytes = isIncomplete ? undefined : withHeader(this.#folded(filter, this.#kernels));
    this.#kernels.columns.release(filter);
    return bytes;
  }

  #folded(filter: Uint8Array, { run }: Kernels): Uint8Array {
    let blocks = this.#capacity / BLOCK_BYTES;
    while (blocks > 1 && run.bloomFoldedRate(filter.byteOffset, blocks) <= this.#falsePositives) {
      run.bloomFold(filter.byteOffset, blocks);
      blocks /= 2;
    }
    return filter.subarray(0, blocks * BLOCK_BYTES);
  }

  /** Address of the filter. */
  #place(kernels: Kernels): number | undefined {
    this.#filter ??= kernels.columns.bytes(this.#capacity).fill(0);
    const address = kernels.address(this.#filter);
    return address < 0 ? undefined : address;
  }
}

/** Address of the bytes, or of a copy. */
function reachable(kernels: Kernels, bytes: Uint8Array): number | undefined {
  const address = kernels.address(bytes);
  if (address >= 0) return address;
  const copy = kernels.scratch('sample', bytes.length);
  copy?.set(bytes);
  return copy?.byteOffset;
}

/** `BloomFilterHeader` of parquet.thrift: size, then the only algorithm, hash and compression that there are. */
function withHeader(filter: Uint8Array): Uint8Array {
  const writer = new ByteWriter(filter.length + 32);
  const only = { field_1: {} };
  serializeTCompactProtocol(writer, { field_1: filter.length, field_2: only, field_3: only, field_4: only });
  writer.appendBytes(filter);
  return writer.getBytes().slice();
}
