import { commentedColumn } from '../comments.js';
import type { Dialect, MappedColumn, TypeRules } from '../dialect.js';
import { s3Url } from '../places.js';
import { cut, escapedText, inBackticks, qualified } from '../text.js';
import { PLAIN_NAME } from './spark.js';

const NO_TYPE = 'Athena has no such type in CREATE TABLE; --compat spark writes it as text.';
const MILLISECONDS = 'Athena shows milliseconds.';

/** https://docs.aws.amazon.com/athena/latest/ug/data-types.html */
const TYPES: TypeRules = {
  boolean: 'boolean',
  int8: 'tinyint',
  int16: 'smallint',
  int32: 'int',
  int64: 'bigint',
  uint8: 'int',
  uint16: 'int',
  uint32: 'bigint',
  uint64: [undefined, NO_TYPE],
  float: 'float',
  double: 'double',
  decimal: 'decimal({p},{s})',
  string: 'string',
  json: 'string',
  bytes: 'binary',
  date: 'date',
  time: [undefined, NO_TYPE],
  time_ns: [undefined, NO_TYPE],
  timestamp: ['timestamp', MILLISECONDS],
  timestamp_ns: ['timestamp', MILLISECONDS],
  instant: ['timestamp', `${MILLISECONDS} They are in UTC.`],
  instant_ns: ['timestamp', `${MILLISECONDS} They are in UTC.`],
  uuid: [undefined, NO_TYPE],
};

/** Characters, in Glue's catalog. */
const LONGEST_COMMENT = 255;

export const athena: Dialect = {
  title: 'Athena',
  types: TYPES,
  list: (element) => `array<${element}>`,
  foldsCase: true,
  names: { tables: { longest: 128, characters: PLAIN_NAME }, columns: { longest: 255, characters: /^[^,:;]+$/ } },
  location: (place) => s3Url(place),
  reads: 'Amazon S3',
  write: (table) => {
    const { schema, columns, partitions, location, comment } = table;
    const name = qualified(table, inBackticks);
    const create = [
      `CREATE EXTERNAL TABLE ${name} (\n  ${columns.map(columnOf).join(',\n  ')}\n)`,
      ...(comment === undefined ? [] : [`COMMENT ${escapedText(cut(comment, LONGEST_COMMENT) ?? '')}`]),
      ...(partitions.length === 0 ? [] : [`PARTITIONED BY (\n  ${partitions.map(columnOf).join(',\n  ')}\n)`]),
      'STORED AS PARQUET',
      `LOCATION ${escapedText(`${location}/`)}`,
    ];
    return [
      ...(schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${inBackticks(schema)};`]),
      `${create.join('\n')};`,
      ...(partitions.length === 0 ? [] : [`MSCK REPAIR TABLE ${name};`]),
    ];
  },
};

function columnOf(column: MappedColumn): string {
  return commentedColumn({ ...column, comment: cut(column.comment, LONGEST_COMMENT) }, inBackticks, escapedText);
}
