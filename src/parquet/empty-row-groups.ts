/*
 * Footer of a file without rows: `num_rows` 0, an empty list of row groups, a list of key-value pairs. Compact Thrift
 * encodes a field's number as the difference to the last one, so these bytes are the same in every such file with that
 * many pairs; the text after them has no zero bytes except in the column orders.
 */
const NUM_ROWS_ZERO = [0x16, 0x00];
const LIST_FIELD = 0x19;
const NO_STRUCTS = 0x0c;
/** A short list: the count in the upper half of its first byte, up to 14. */
const structs = (count: number) => (count << 4) | NO_STRUCTS;

/**
 * Sets the element type of the empty list of row groups, in place. hyparquet-writer infers types from the elements;
 * without any, it writes a type that does not exist, which arrow-rs rejects.
 * @param pairs number of key-value pairs in the footer
 */
export function typeEmptyRowGroups(footer: Uint8Array, pairs: number): void {
  const asWritten = Buffer.from([...NUM_ROWS_ZERO, LIST_FIELD, 0x00, LIST_FIELD, structs(pairs)]);
  const at = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength).lastIndexOf(asWritten);
  if (at < 0) throw new TypeError('the footer of a file without rows is not as expected');
  footer[at + NUM_ROWS_ZERO.length + 1] = NO_STRUCTS;
}
