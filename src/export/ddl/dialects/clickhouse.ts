import { commentedColumn } from '../comments.js';
import type { Dialect, MappedColumn, MappedTable, TypeRules } from '../dialect.js';
import { httpsUrl } from '../places.js';
import { commentLines, escapedText } from '../text.js';

/** https://clickhouse.com/docs/interfaces/formats/Parquet */
const TYPES: TypeRules = {
  boolean: 'Bool',
  int8: 'Int8',
  int16: 'Int16',
  int32: 'Int32',
  int64: 'Int64',
  uint8: 'UInt8',
  uint16: 'UInt16',
  uint32: 'UInt32',
  uint64: 'UInt64',
  float: 'Float32',
  double: 'Float64',
  decimal: 'Decimal({p},{s})',
  string: 'String',
  json: 'String',
  bytes: 'String',
  date: ['Date32', 'ClickHouse has dates from 1900 to 2299.'],
  time: ['DateTime64(6)', 'ClickHouse shows a time of a day as one of 1970-01-01.'],
  time_ns: ['DateTime64(9)', 'ClickHouse shows a time of a day as one of 1970-01-01.'],
  timestamp: 'DateTime64(6)',
  timestamp_ns: 'DateTime64(9)',
  instant: "DateTime64(6, 'UTC')",
  instant_ns: "DateTime64(9, 'UTC')",
  uuid: 'UUID',
};

const TEXT = 'String';

const ANY = { longest: 65_536 };

export const clickhouse: Dialect = {
  title: 'ClickHouse',
  types: TYPES,
  list: (element) => [
    `Array(Nullable(${element}))`,
    'ClickHouse has no NULL instead of a list: it shows an empty one.',
  ],
  foldsCase: false,
  // The directories of tables have their names, with escapes.
  names: { tables: { longest: 200 }, columns: ANY },
  location: (place) => (place.kind === 'local' ? place.path : httpsUrl(place)),
  reads: 'local files, S3, Google Cloud Storage and Azure',
  write: (table) => {
    const { schema, name, columns, partitions, comment } = table;
    const levels = partitions.map((level, index) => (hasNull(table, index) ? asText(level) : level));
    const declared = [...columns, ...levels].map(columnOf).join(',\n  ');
    const shown = schema === '' ? quoted(name) : `${quoted(schema)}.${quoted(name)}`;
    const create = [
      `CREATE OR REPLACE TABLE ${shown} (\n  ${declared}\n)`,
      `ENGINE = ${engineOf(table)}`,
      ...(comment === undefined ? [] : [`COMMENT ${escapedText(comment)}`]),
    ];
    return [
      ...(schema === '' ? [] : [`CREATE DATABASE IF NOT EXISTS ${quoted(schema)};`]),
      ...(partitions.length === 0
        ? []
        : [
            commentLines(
              'Directories are read with the setting use_hive_partitioning = 1; ClickHouse keeps the escapes in their names.',
            ),
          ]),
      ...levels.flatMap((level, index) =>
        hasNull(table, index)
          ? [commentLines(`Column ${level.name} is text: ClickHouse shows NULL as __HIVE_DEFAULT_PARTITION__.`)]
          : [],
      ),
      `${create.join('\n')};`,
    ];
  },
};

/** Backslashes escape in names, too. */
function quoted(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function columnOf(column: MappedColumn): string {
  const { type, nullable, isList } = column;
  return commentedColumn(nullable && !isList ? { ...column, type: `Nullable(${type})` } : column, quoted, escapedText);
}

function hasNull({ directories }: MappedTable, level: number): boolean {
  return directories.some(({ values }) => (values[level] ?? null) === null);
}

function asText(level: MappedColumn): MappedColumn {
  return { ...level, type: TEXT, nullable: false };
}

function engineOf({ place, location, partitions }: MappedTable): string {
  // Not those of deleted keys, which are in a directory of another form.
  const files = `${'*=*/'.repeat(partitions.length)}*.parquet`;
  switch (place.kind) {
    case 'local':
      return `File(Parquet, ${escapedText(`${withoutPatterns(location)}/${files}`)})`;
    case 's3':
    case 'gcs':
      return `S3(${escapedText(`${location}/${files}`)}, 'Parquet')`;
    case 'azure':
      return `AzureBlobStorage(${[place.service, place.container, `${place.key}/${files}`, 'Parquet'].map(escapedText).join(', ')})`;
    default:
      return place satisfies never;
  }
}

/** One character, whatever it is: ClickHouse has no escape for those of patterns. */
function withoutPatterns(path: string): string {
  return path.replaceAll(/[*{}]/g, '?');
}
