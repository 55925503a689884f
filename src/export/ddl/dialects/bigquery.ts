import type { Dialect, MappedColumn, TypeRules } from '../dialect.js';
import { gcsUrl } from '../places.js';
import { cut, escapedText, inBackticks, qualified } from '../text.js';
import { PLAIN_NAME } from './spark.js';

const NO_TYPE = 'BigQuery does not read times with nanoseconds; --timestamp-unit us writes microseconds.';

/** https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#type_conversions */
const TYPES: TypeRules = {
  boolean: 'BOOL',
  int8: 'INT64',
  int16: 'INT64',
  int32: 'INT64',
  int64: 'INT64',
  uint8: 'INT64',
  uint16: 'INT64',
  uint32: 'INT64',
  uint64: [undefined, 'INT64 does not hold it.'],
  float: 'FLOAT64',
  double: 'FLOAT64',
  decimal: 'BIGNUMERIC({p},{s})',
  string: 'STRING',
  json: 'STRING',
  bytes: 'BYTES',
  date: 'DATE',
  time: 'TIME',
  time_ns: [undefined, NO_TYPE],
  timestamp: 'DATETIME',
  timestamp_ns: [undefined, NO_TYPE],
  instant: 'TIMESTAMP',
  instant_ns: [undefined, NO_TYPE],
  uuid: ['BYTES', 'BigQuery shows the 16 bytes of a UUID.'],
};

/** Characters of a column's description. */
const LONGEST_COMMENT = 1024;

export const bigquery: Dialect = {
  title: 'BigQuery',
  types: TYPES,
  list: (element) => [`ARRAY<${element}>`, 'BigQuery has no NULL in lists, and no NULL instead of one.'],
  foldsCase: true,
  names: {
    tables: { longest: 1024, characters: PLAIN_NAME },
    columns: { longest: 300, characters: /^[A-Za-z_]\w*$/ },
  },
  location: (place) => gcsUrl(place),
  reads: 'Google Cloud Storage (S3 and Azure through a connection of BigQuery Omni)',
  write: (table) => {
    const { schema, columns, partitions, location, comment } = table;
    const settings = [
      "format = 'PARQUET'",
      `uris = [${escapedText(`${location}/*.parquet`)}]`,
      ...(columns.some(({ isList }) => isList) ? ['enable_list_inference = TRUE'] : []),
      ...(partitions.length === 0 ? [] : [`hive_partition_uri_prefix = ${escapedText(location)}`]),
      ...(comment === undefined ? [] : [`description = ${escapedText(comment)}`]),
    ];
    const levels = partitions.map(({ name, type }) => `${inBackticks(name)} ${type}`);
    const create = [
      `CREATE OR REPLACE EXTERNAL TABLE ${qualified(table, inBackticks)} (\n  ${columns.map(columnOf).join(',\n  ')}\n)`,
      ...(levels.length === 0 ? [] : [`WITH PARTITION COLUMNS (\n  ${levels.join(',\n  ')}\n)`]),
      `OPTIONS (\n  ${settings.join(',\n  ')}\n)`,
    ];
    return [...(schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${inBackticks(schema)};`]), `${create.join('\n')};`];
  },
};

function columnOf({ name, type, comment }: MappedColumn): string {
  const text = cut(comment, LONGEST_COMMENT);
  return `${inBackticks(name)} ${type}${text === undefined ? '' : ` OPTIONS (description = ${escapedText(text)})`}`;
}
