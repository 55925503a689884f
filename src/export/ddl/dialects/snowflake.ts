import type { Place } from '../../../storage/storage.js';
import type { Dialect, MappedColumn, MappedTable, TypeRules } from '../dialect.js';
import { gcsUrl, s3Url } from '../places.js';
import { doubleQuoted } from '../../../text/sql-quotes.js';
import { commentLines, escapedText, qualified } from '../text.js';

/** https://docs.snowflake.com/en/sql-reference/sql/create-external-table */
const TYPES: TypeRules = {
  boolean: 'BOOLEAN',
  int8: 'NUMBER(3,0)',
  int16: 'NUMBER(5,0)',
  int32: 'NUMBER(10,0)',
  int64: 'NUMBER(19,0)',
  uint8: 'NUMBER(3,0)',
  uint16: 'NUMBER(5,0)',
  uint32: 'NUMBER(10,0)',
  uint64: 'NUMBER(20,0)',
  float: 'FLOAT',
  double: 'FLOAT',
  decimal: 'NUMBER({p},{s})',
  string: 'VARCHAR',
  json: 'VARCHAR',
  bytes: 'BINARY',
  date: 'DATE',
  time: 'TIME(6)',
  time_ns: 'TIME(9)',
  timestamp: 'TIMESTAMP_NTZ(6)',
  timestamp_ns: 'TIMESTAMP_NTZ(9)',
  instant: 'TIMESTAMP_LTZ(6)',
  instant_ns: 'TIMESTAMP_LTZ(9)',
  uuid: ['BINARY(16)', 'Snowflake shows the 16 bytes of a UUID.'],
};

export const snowflake: Dialect = {
  title: 'Snowflake',
  types: TYPES,
  list: () => 'ARRAY',
  foldsCase: false,
  names: { tables: { longest: 240 }, columns: { longest: 255 } },
  location: stageUrl,
  reads: 'S3, Google Cloud Storage and Azure',
  write: (table) => {
    const { schema, columns, partitions, location, comment } = table;
    const stage = qualified({ ...table, name: `${table.name}_files` }, doubleQuoted);
    const name = qualified(table, doubleQuoted);
    const declared = [...columns.map(columnOf), ...partitions.map((level, index) => levelOf(level, index, table))];
    const create = [
      `CREATE OR REPLACE EXTERNAL TABLE ${name} (\n  ${declared.join(',\n  ')}\n)`,
      ...(partitions.length === 0
        ? []
        : [`PARTITION BY (${partitions.map((level) => doubleQuoted(level.name)).join(', ')})`]),
      `LOCATION = @${stage}`,
      'AUTO_REFRESH = FALSE',
      `PATTERN = '.*[.]parquet'`,
      'FILE_FORMAT = (TYPE = PARQUET BINARY_AS_TEXT = FALSE USE_LOGICAL_TYPE = TRUE)',
      ...(comment === undefined ? [] : [`COMMENT = ${escapedText(comment)}`]),
    ];
    return [
      ...(schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${doubleQuoted(schema)};`]),
      commentLines('LAKEPORT stands for a storage integration of yours that may read there.'),
      `CREATE STAGE IF NOT EXISTS ${stage} URL = ${escapedText(`${location}/`)} STORAGE_INTEGRATION = LAKEPORT;`,
      `${create.join('\n')};`,
      ...[...columns, ...partitions].flatMap((column) =>
        column.comment === undefined
          ? []
          : [`COMMENT ON COLUMN ${name}.${doubleQuoted(column.name)} IS ${escapedText(column.comment)};`],
      ),
    ];
  },
};

function stageUrl(place: Place): string | undefined {
  if (place.kind !== 'azure') return s3Url(place) ?? gcsUrl(place, 'gcs');
  const { host, pathname } = new URL(place.service);
  return pathname === '/' ? `azure://${host}/${place.container}/${place.key}` : undefined;
}

/** A column is what its file's row, `value`, has under its name. */
function columnOf({ name, type }: MappedColumn): string {
  return `${doubleQuoted(name)} ${type} AS (value:${doubleQuoted(name)}::${type})`;
}

/** Only few functions may make a partition column; files have their whole path in the bucket. */
function levelOf({ name, type }: MappedColumn, index: number, { place }: MappedTable): string {
  const above = place.kind === 'local' ? 0 : place.key.split('/').filter((segment) => segment !== '').length;
  const text = `SPLIT_PART(SPLIT_PART(METADATA$FILENAME, '/', ${above + index + 1}), '=', 2)`;
  const value = `IFF(${text} = '__HIVE_DEFAULT_PARTITION__', NULL, ${text})`;
  return `${doubleQuoted(name)} ${type} AS (${value}::${type})`;
}
