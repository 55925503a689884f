import type { ColumnIndex, OffsetIndex } from 'hyparquet';
import { BoundaryOrders } from 'hyparquet/src/constants.js';
import type { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import type { FinishedChunk } from './column-chunk.js';

/**
 * Writes the page index of all chunks between the last row group and the footer (PageIndex.md): all column indexes,
 * then all offset indexes, with their positions in each chunk's metadata. The library's own writer omits chunks of one
 * page; readers that need either all offset indexes or none would then see none.
 */
export function writePageIndex(writer: ByteWriter, chunks: readonly FinishedChunk[], base: number): void {
  for (const { metadata, columnIndex } of chunks) {
    if (columnIndex === undefined) continue;
    const start = writer.offset;
    writeColumnIndex(writer, columnIndex);
    metadata.column_index_offset = BigInt(base + start);
    metadata.column_index_length = writer.offset - start;
  }
  for (const { metadata, offsetIndex } of chunks) {
    const start = writer.offset;
    writeOffsetIndex(writer, offsetIndex);
    metadata.offset_index_offset = BigInt(base + start);
    metadata.offset_index_length = writer.offset - start;
  }
}

function writeColumnIndex(writer: ByteWriter, index: ColumnIndex): void {
  serializeTCompactProtocol(writer, {
    field_1: index.null_pages,
    field_2: index.min_values,
    field_3: index.max_values,
    field_4: BoundaryOrders.indexOf(index.boundary_order),
    field_5: index.null_counts,
  });
}

function writeOffsetIndex(writer: ByteWriter, index: OffsetIndex): void {
  serializeTCompactProtocol(writer, {
    field_1: index.page_locations.map((page) => ({
      field_1: page.offset,
      field_2: page.compressed_page_size,
      field_3: page.first_row_index,
    })),
  });
}
