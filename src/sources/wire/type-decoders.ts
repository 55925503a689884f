import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { ColumnDecoder } from '../source.js';
import type { FieldDecoder, Unrepresentable, WireChunk } from './wire.js';

type Kind = ColumnBuffer['kind'];
type BufferOf<K extends Kind> = Extract<ColumnBuffer, { kind: K }>;

/** Creates a column's decoder from its buffer and its planned decoder. */
type Binder<K extends Kind> = (column: BufferOf<K>, decoder: ColumnDecoder) => FieldDecoder;

/** The decoders of one type, by the kind of buffer that its values may go to. */
export type TypeDecoders = { readonly [K in Kind]?: Binder<K> } & {
  /** Undefined if every value fits the Parquet type. */
  readonly lacks?: ((decoder: ColumnDecoder) => Unrepresentable | undefined) | undefined;
};

/** A decoder that needs only its buffer. */
export function plain<C>(
  decode: (column: C, wire: WireChunk, offsets: Int32Array, from: number, to: number) => void,
): (column: C) => FieldDecoder {
  return (column) => (wire, offsets, from, to) => decode(column, wire, offsets, from, to);
}

/** The decoder for this buffer; undefined if values of the type never go to this kind of buffer. */
export function bindDecoder(
  type: TypeDecoders,
  column: ColumnBuffer,
  decoder: ColumnDecoder,
): FieldDecoder | undefined {
  switch (column.kind) {
    case 'boolean':
      return type.boolean?.(column, decoder);
    case 'int32':
      return type.int32?.(column, decoder);
    case 'int64':
      return type.int64?.(column, decoder);
    case 'fixed':
      return type.fixed?.(column, decoder);
    case 'bytes':
      return type.bytes?.(column, decoder);
    default:
      return column satisfies never;
  }
}
