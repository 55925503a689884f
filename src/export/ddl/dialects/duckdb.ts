import type { Dialect, MappedColumn, MappedTable } from '../dialect.js';
import { abfssUrl, gcsUrl, s3Url } from '../places.js';
import { doubleQuoted } from '../../../text/sql-quotes.js';
import { qualified, sqlText } from '../text.js';

/** Longer than any database allows. */
const ANY = { longest: 65_536 };

/** Views, since DuckDB reads files where they are: https://duckdb.org/docs/stable/data/parquet/overview */
export const duckdb: Dialect = {
  title: 'DuckDB',
  types: {
    boolean: 'BOOLEAN',
    int8: 'TINYINT',
    int16: 'SMALLINT',
    int32: 'INTEGER',
    int64: 'BIGINT',
    uint8: 'UTINYINT',
    uint16: 'USMALLINT',
    uint32: 'UINTEGER',
    uint64: 'UBIGINT',
    float: 'FLOAT',
    double: 'DOUBLE',
    decimal: 'DECIMAL({p},{s})',
    string: 'VARCHAR',
    json: 'JSON',
    bytes: 'BLOB',
    date: 'DATE',
    time: 'TIME',
    time_ns: 'TIME_NS',
    timestamp: 'TIMESTAMP',
    timestamp_ns: 'TIMESTAMP_NS',
    instant: 'TIMESTAMP WITH TIME ZONE',
    instant_ns: 'TIMESTAMP WITH TIME ZONE',
    uuid: 'UUID',
  },
  list: (element) => `${element}[]`,
  // Views of columns `a` and `A` cannot be made.
  foldsCase: true,
  names: { tables: ANY, columns: ANY },
  location: (place) =>
    place.kind === 'local' ? withoutPatterns(place.path) : (s3Url(place) ?? gcsUrl(place) ?? abfssUrl(place)),
  reads: 'local files, S3, Google Cloud Storage and Azure',
  write: (table) => [...schemaOf(table), viewOf(table), ...commentsOf(table)],
};

/** A path that a glob takes as it is. */
function withoutPatterns(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}

function schemaOf({ schema }: MappedTable): string[] {
  return schema === '' ? [] : [`CREATE SCHEMA IF NOT EXISTS ${doubleQuoted(schema)};`];
}

function viewOf(table: MappedTable): string {
  const { columns, partitions, location } = table;
  // Not those of deleted keys, which are in a directory of another form.
  const pattern = `${'*=*/'.repeat(partitions.length)}*.parquet`;
  const types = partitions.map((level, index) => {
    return `${sqlText(level.name)}: ${hasNull(table, index) ? 'VARCHAR' : level.type}`;
  });
  // Otherwise, it would guess the types from the names.
  const hive =
    partitions.length === 0 ? 'false' : `true, hive_types_autocast = false, hive_types = {${types.join(', ')}}`;
  const selected = [
    ...columns.map(({ name }) => doubleQuoted(name)),
    ...partitions.map((level, index) => levelOf(level, hasNull(table, index))),
  ];
  return `CREATE OR REPLACE VIEW ${qualified(table, doubleQuoted)} AS
SELECT ${selected.join(',\n       ')}
FROM read_parquet(${sqlText(`${location}/${pattern}`)}, hive_partitioning = ${hive});`;
}

/** DuckDB takes the name that Hive has for NULL for a text. */
function levelOf({ name, type }: MappedColumn, mayBeNull: boolean): string {
  const quoted = doubleQuoted(name);
  return mayBeNull ? `CAST(nullif(${quoted}, '__HIVE_DEFAULT_PARTITION__') AS ${type}) AS ${quoted}` : quoted;
}

function hasNull({ directories }: MappedTable, level: number): boolean {
  return directories.some(({ values }) => (values[level] ?? null) === null);
}

function commentsOf(table: MappedTable): string[] {
  const name = qualified(table, doubleQuoted);
  const { comment, columns, partitions } = table;
  return [
    ...(comment === undefined ? [] : [`COMMENT ON VIEW ${name} IS ${sqlText(comment)};`]),
    ...[...columns, ...partitions].flatMap((column) =>
      column.comment === undefined
        ? []
        : [`COMMENT ON COLUMN ${name}.${doubleQuoted(column.name)} IS ${sqlText(column.comment)};`],
    ),
  ];
}
