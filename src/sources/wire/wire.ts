/** The contract between scanners and decoders, shared by all engines that read the wire format directly. */

/**
 * Bytes of rows as received from the database. A field is identified by its offset; only the engine's decoders know where
 * its length is and the byte order of numbers.
 */
export interface WireChunk {
  readonly bytes: Uint8Array;
  /** A view of the same bytes. */
  readonly view: DataView;
}

/**
 * Decodes the fields at `offsets[from, to)`, none of them NULL, into the column that it was created for.
 * @throws UnrepresentableValue for a value that does not fit the column's Parquet type
 */
export type FieldDecoder = (wire: WireChunk, offsets: Int32Array, from: number, to: number) => void;

/** Whether the (non-NULL) value at an offset does not fit the Parquet type. */
export type Unrepresentable = (wire: WireChunk, offset: number) => boolean;

/** A value that does not fit the column's Parquet type. Says which kind of value, never the value. */
export class UnrepresentableValue extends Error {
  override readonly name: string = 'UnrepresentableValue';
}

/** Text with no form in UTF-8, the only encoding in Parquet. */
export class UndecodableText extends UnrepresentableValue {
  override readonly name = 'UndecodableText';

  /** @param encoding that the text was to be decoded from */
  constructor(readonly encoding: string) {
    super(`text with bytes that are not a character in ${encoding} or have no counterpart in UTF-8`);
  }
}
