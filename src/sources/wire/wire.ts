/** What a scanner finds of rows and a decoder makes columns of, the same for every database whose bytes are read as they come. */

/**
 * Bytes of rows as the database hands them out. A field is named by its offset; where its length stands, and which byte
 * of a number comes first, is for the engine's own decoders to know.
 */
export interface WireChunk {
  readonly bytes: Uint8Array;
  /** Over the same bytes. */
  readonly view: DataView;
}

/**
 * Decodes the fields at `offsets[from, to)`, none of them NULL, into the column that it was made for.
 * @throws UnrepresentableValue where the column's Parquet type has no such value
 */
export type FieldDecoder = (wire: WireChunk, offsets: Int32Array, from: number, to: number) => void;

/** Tells whether the Parquet type lacks the (non-NULL) value at an offset. */
export type Unrepresentable = (wire: WireChunk, offset: number) => boolean;

/** A value that the database holds and the column's Parquet type can't. Says which kind of value, never the value. */
export class UnrepresentableValue extends Error {
  override readonly name: string = 'UnrepresentableValue';
}

/** Text that has no form in UTF-8, the only one that Parquet knows. */
export class UndecodableText extends UnrepresentableValue {
  override readonly name = 'UndecodableText';

  /** @param encoding what the text was to be decoded from */
  constructor(readonly encoding: string) {
    super(`text with bytes that are not a character of ${encoding} with a counterpart in UTF-8`);
  }
}
