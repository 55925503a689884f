import type { FileOptions } from '../../parquet/file-options.js';
import type { FileOptionsDocument } from './file-options-schema.js';

/** How files are written, for reports and manifests. */
export function fileOptionsDocument(files: FileOptions): FileOptionsDocument {
  return {
    compression: files.codec,
    compression_level: files.compressionLevel ?? null,
    encoding: files.encoding ?? 'plain',
    row_group_rows: files.rowGroupRows,
    max_rows_per_file: files.maxRowsPerFile ?? null,
    max_file_bytes: files.maxFileBytes ?? null,
  };
}
