import { commentedColumn } from '../comments.js';
import type { Dialect, MappedColumn, MappedTable, TypeRules } from '../dialect.js';
import { abfssUrl, fileUrl, gcsUrl, s3Url } from '../places.js';
import { escapedText, inBackticks, qualified } from '../text.js';

const NO_TYPE = 'Spark has no such type; --compat spark writes it as text.';

/** As Spark 3.4 and later read Parquet: https://spark.apache.org/docs/latest/sql-data-sources-parquet.html */
export const SPARK_TYPES: TypeRules = {
  boolean: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INT',
  int64: 'BIGINT',
  uint8: 'SMALLINT',
  uint16: 'INT',
  uint32: 'BIGINT',
  uint64: 'DECIMAL(20,0)',
  float: 'FLOAT',
  double: 'DOUBLE',
  decimal: 'DECIMAL({p},{s})',
  string: 'STRING',
  json: 'STRING',
  bytes: 'BINARY',
  date: 'DATE',
  time: [undefined, NO_TYPE],
  time_ns: [undefined, NO_TYPE],
  timestamp: 'TIMESTAMP_NTZ',
  timestamp_ns: [undefined, NO_TYPE],
  instant: 'TIMESTAMP',
  instant_ns: [undefined, NO_TYPE],
  uuid: [undefined, NO_TYPE],
};

/** `SessionCatalog.validateName` takes no others. */
export const PLAIN_NAME = /^\w+$/;

export const spark: Dialect = {
  title: 'Spark',
  types: SPARK_TYPES,
  list: (element) => `ARRAY<${element}>`,
  foldsCase: true,
  names: { tables: { longest: 128, characters: PLAIN_NAME }, columns: { longest: 65_536 } },
  location: (place) => s3Url(place, 's3a') ?? gcsUrl(place) ?? abfssUrl(place) ?? fileUrl(place),
  reads: 'local files, S3, Google Cloud Storage and Azure',
  write: sparkStatements,
};

/** `CREATE TABLE … USING PARQUET`, with its partitions. */
export function sparkStatements(table: MappedTable): readonly string[] {
  const { schema, columns, partitions, location, comment } = table;
  const name = qualified(table, inBackticks);
  const create = [
    `CREATE TABLE ${name} (\n  ${[...columns, ...partitions].map(columnOf).join(',\n  ')}\n)`,
    'USING PARQUET',
    ...(partitions.length === 0
      ? []
      : [`PARTITIONED BY (${partitions.map((one) => inBackticks(one.name)).join(', ')})`]),
    `LOCATION ${sparkText(location)}`,
    ...(comment === undefined ? [] : [`COMMENT ${sparkText(comment)}`]),
  ];
  return [
    ...(schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${inBackticks(schema)};`]),
    `${create.join('\n')};`,
    ...(partitions.length === 0 ? [] : [`MSCK REPAIR TABLE ${name};`]),
  ];
}

function columnOf(column: MappedColumn): string {
  return commentedColumn(column, inBackticks, sparkText);
}

/** Spark replaces `${…}` in statements by its settings. */
function sparkText(text: string): string {
  return escapedText(text).replaceAll('${', '\\u0024{');
}
