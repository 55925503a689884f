import { commentedColumn } from '../comments.js';
import type { Dialect, MappedColumn, TypeRules } from '../dialect.js';
import { abfssUrl, fileUrl, gcsUrl, s3Url } from '../places.js';
import { doubleQuoted } from '../../../text/sql-quotes.js';
import { qualified, sqlText } from '../text.js';
import { PLAIN_NAME } from './spark.js';

const NO_TYPE = 'the Hive connector has no such type; --compat spark writes it as text.';
const MICROSECONDS = 'set hive.timestamp-precision to MICROSECONDS, as finer values are rounded otherwise.';
const NANOSECONDS = 'set hive.timestamp-precision to NANOSECONDS, as finer values are rounded otherwise.';
const INSTANT = `the Hive connector has no timestamps with a zone: values are in the zone of hive.parquet.time-zone. Also ${MICROSECONDS}`;

/** Of the Hive connector: https://trino.io/docs/current/connector/hive.html */
const TYPES: TypeRules = {
  boolean: 'boolean',
  int8: 'tinyint',
  int16: 'smallint',
  int32: 'integer',
  int64: 'bigint',
  uint8: 'smallint',
  uint16: 'integer',
  uint32: 'bigint',
  uint64: [undefined, NO_TYPE],
  float: 'real',
  double: 'double',
  decimal: 'decimal({p},{s})',
  string: 'varchar',
  json: 'varchar',
  bytes: 'varbinary',
  date: 'date',
  time: [undefined, NO_TYPE],
  time_ns: [undefined, NO_TYPE],
  timestamp: ['timestamp(6)', MICROSECONDS],
  timestamp_ns: ['timestamp(9)', NANOSECONDS],
  instant: ['timestamp(6)', INSTANT],
  instant_ns: ['timestamp(9)', NANOSECONDS],
  uuid: [undefined, NO_TYPE],
};

export const trino: Dialect = {
  title: 'Trino',
  types: TYPES,
  list: (element) => `array(${element})`,
  foldsCase: true,
  // Of a Hive metastore.
  names: { tables: { longest: 128, characters: PLAIN_NAME }, columns: { longest: 767, characters: /^[^,:;]+$/ } },
  location: (place) => s3Url(place) ?? gcsUrl(place) ?? abfssUrl(place) ?? fileUrl(place),
  reads: 'local files, S3, Google Cloud Storage and Azure',
  write: (table) => {
    const { schema, columns, partitions, location, comment } = table;
    const levels = partitions.map(({ name }) => sqlText(name.toLowerCase()));
    const settings = [
      `external_location = ${sqlText(location)}`,
      "format = 'PARQUET'",
      ...(levels.length === 0 ? [] : [`partitioned_by = ARRAY[${levels.join(', ')}]`]),
    ];
    const create = [
      `CREATE TABLE ${qualified(table, doubleQuoted)} (\n  ${[...columns, ...partitions].map(columnOf).join(',\n  ')}\n)`,
      ...(comment === undefined ? [] : [`COMMENT ${sqlText(comment)}`]),
      `WITH (\n  ${settings.join(',\n  ')}\n)`,
    ];
    return [
      ...(schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${doubleQuoted(schema)};`]),
      `${create.join('\n')};`,
      ...(levels.length === 0
        ? []
        : [`CALL system.sync_partition_metadata(${sqlText(schema)}, ${sqlText(table.name)}, 'FULL');`]),
    ];
  },
};

function columnOf(column: MappedColumn): string {
  return commentedColumn(column, doubleQuoted, sqlText);
}
