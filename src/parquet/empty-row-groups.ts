/*
 * Footer of a file without rows: `num_rows` 0, an empty list of row groups, a list of key-value pairs. Compact Thrift
 * writes a field's number as the difference to the last one, so these bytes are the same in every such file of as many pairs; what stands
 * behind them is text and has no zero bytes but those of the column orders.
 */
const NUM_ROWS_ZERO = [0x16, 0x00];
const LIST_FIELD = 0x19;
const NO_STRUCTS = 0x0c;
/** A short list: the count in the upper half of its first byte, up to 14. */
const structs = (count: number) => (count << 4) | NO_STRUCTS;

/**
 * Gives the empty list of row groups its element type, in place. hyparquet-writer guesses types from the elements, and
 * where there are none it writes a type that does not exist, at which arrow-rs gives up.
 * @param pairs how many key-value pairs the footer has
 */
export function typeEmptyRowGroups(footer: Uint8Array, pairs: number): void {
  const asWritten = Buffer.from([...NUM_ROWS_ZERO, LIST_FIELD, 0x00, LIST_FIELD, structs(pairs)]);
  const at = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength).lastIndexOf(asWritten);
  if (at < 0) throw new TypeError('the footer of a file without rows is not as expected');
  footer[at + NUM_ROWS_ZERO.length + 1] = NO_STRUCTS;
}
