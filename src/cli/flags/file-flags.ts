import { COMPATS } from '../../columns/compat.js';
import { FORMER_MANIFEST_PLACE, MANIFEST_PLACES } from '../../export/model/manifest-place.js';
import { DEFAULT_OPTIONS, LEAST_FILE_BYTES } from '../../export/model/complete-options.js';
import { FILE_ENCODINGS } from '../../parquet/file-options.js';
import { defineFlag } from './flag.js';
import { oneOf, sizeOf, UNBOUNDED_NUMERIC, wholeNumber } from './value-types.js';

/** Row counts inside a Parquet file's pages are 32 bits wide. */
const MOST_ROW_GROUP_ROWS = 2 ** 31 - 1;

/** How the files are written. */
export const FILE_FLAGS = {
  codec: defineFlag({
    name: 'compression_type',
    value: 'CODEC',
    type: oneOf(['Zstd', 'Snappy', 'Gzip', 'Lz4', 'None']),
    default: DEFAULT_OPTIONS.codec,
    group: 'Files',
    help: 'Zstd (default), Snappy, Gzip, Lz4 or None',
    onResume: 'kept',
  }),
  compressionLevel: defineFlag({
    name: 'compression_level',
    value: 'N',
    type: wholeNumber({ least: 1, most: 22 }),
    group: 'Files',
    help: 'how hard to compress: 1 to 22 for Zstd (default: 3), 1 to 9 for Gzip (default: 6); other codecs have no levels',
    onResume: 'kept',
  }),
  encoding: defineFlag({
    name: 'encoding',
    value: 'plain|compact',
    type: oneOf(FILE_ENCODINGS),
    default: DEFAULT_OPTIONS.encoding,
    group: 'Files',
    help: 'how values are written before compression: in dictionaries or as they are (plain, default), or also as differences, shared beginnings and split bytes where that is smaller, in data pages of version 2 (compact)',
    onResume: 'kept',
    see: '[readers](../readers.md#compact-files)',
  }),
  rowGroupRows: defineFlag({
    name: 'row_group_rows',
    value: 'N',
    type: wholeNumber({ least: 1, most: MOST_ROW_GROUP_ROWS }),
    default: DEFAULT_OPTIONS.rowGroupRows,
    group: 'Files',
    help: 'maximum rows per row group (default: 1000000); a row group is also closed at 128 MiB',
    onResume: 'kept',
  }),
  maxRowsPerFile: defineFlag({
    name: 'max_rows_per_file',
    value: 'N',
    type: wholeNumber({ least: 1 }),
    group: 'Files',
    help: "splits a reader's output into several files",
    onResume: 'kept',
  }),
  maxFileBytes: defineFlag({
    name: 'max_file_size',
    value: 'SIZE',
    type: sizeOf({ least: LEAST_FILE_BYTES }),
    group: 'Files',
    help: "splits a reader's output into files of about this size, such as 512MiB; a row that is larger has a file of its own",
    onResume: 'kept',
  }),
  unboundedNumeric: defineFlag({
    name: 'unbounded_numeric',
    value: 'TYPE',
    type: UNBOUNDED_NUMERIC,
    default: DEFAULT_OPTIONS.unboundedNumeric,
    group: 'Files',
    help: 'numeric without a precision, or with more than 38 digits, as text (default), double or decimal(p,s)',
    onResume: 'kept',
    see: '[types](types.md)',
  }),
  arrays: defineFlag({
    name: 'arrays',
    value: 'list|json|text',
    type: oneOf(['list', 'json', 'text']),
    default: DEFAULT_OPTIONS.arrays,
    group: 'Files',
    help: 'arrays as lists (default, one dimension only), as JSON (any number of dimensions) or as text (keeps the bounds)',
    onResume: 'kept',
    see: '[types](types.md)',
  }),
  timestampUnit: defineFlag({
    name: 'timestamp_unit',
    value: 'us|ns',
    type: oneOf(['us', 'ns']),
    default: DEFAULT_OPTIONS.timestampUnit,
    group: 'Files',
    help: 'times with seven digits in microseconds (default), cutting off the last, or in nanoseconds',
    onResume: 'kept',
  }),
  compat: defineFlag({
    name: 'compat',
    value: 'spark',
    type: oneOf(COMPATS),
    group: 'Files',
    help: 'writes only types that Spark supports: uuid and time become text, because Spark cannot open tables that have them',
    onResume: 'kept',
    see: '[readers](../readers.md)',
  }),
  manifest: defineFlag({
    name: 'manifest',
    value: 'beside|inside|none',
    type: oneOf(MANIFEST_PLACES),
    default: DEFAULT_OPTIONS.manifest,
    formerDefault: FORMER_MANIFEST_PLACE,
    group: 'Files',
    help: "where each table's manifest goes: beside its directory (default), inside it, or nowhere; some readers cannot read a directory that has one inside",
    onResume: 'kept',
  }),
  onUnrepresentable: defineFlag({
    name: 'on_unrepresentable',
    value: 'error|null|text',
    type: oneOf(['error', 'null', 'text']),
    default: DEFAULT_OPTIONS.onUnrepresentable,
    group: 'Files',
    help: 'a value that its Parquet type cannot hold fails the table (error, default), is written as NULL and counted (null), or makes its column text (text), which takes one more reading of the table',
    onResume: 'kept',
  }),
} as const;
