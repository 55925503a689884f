import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { ColumnDecoder } from '../source.js';
import type { FieldDecoder, Unrepresentable, WireChunk } from './wire.js';

type Kind = ColumnBuffer['kind'];
type BufferOf<K extends Kind> = Extract<ColumnBuffer, { kind: K }>;

/** Makes a column's decoder, given its buffer and what the plan says of it. */
type Binder<K extends Kind> = (column: BufferOf<K>, decoder: ColumnDecoder) => FieldDecoder;

/** What becomes of the values of one type: a decoder for each kind of buffer that they may go to. */
export type Kernels = { readonly [K in Kind]?: Binder<K> } & {
  /** Undefined where the Parquet type lacks no value. */
  readonly lacks?: ((decoder: ColumnDecoder) => Unrepresentable | undefined) | undefined;
};

/** A decoder that needs nothing but its buffer. */
export function plain<C>(
  decode: (column: C, wire: WireChunk, offsets: Int32Array, from: number, to: number) => void,
): (column: C) => FieldDecoder {
  return (column) => (wire, offsets, from, to) => decode(column, wire, offsets, from, to);
}

/** The decoder for this buffer; undefined where the type's values never go to one of its kind. */
export function bindKernel(kernels: Kernels, column: ColumnBuffer, decoder: ColumnDecoder): FieldDecoder | undefined {
  switch (column.kind) {
    case 'boolean':
      return kernels.boolean?.(column, decoder);
    case 'int32':
      return kernels.int32?.(column, decoder);
    case 'int64':
      return kernels.int64?.(column, decoder);
    case 'fixed':
      return kernels.fixed?.(column, decoder);
    case 'bytes':
      return kernels.bytes?.(column, decoder);
    default:
      return column satisfies never;
  }
}
