import { shownComments } from '../comments.js';
import type { Dialect, MappedTable, TypeRules } from '../dialect.js';
import { s3Url } from '../places.js';
import { doubleQuoted } from '../../../text/sql-quotes.js';
import { commentLines, qualified, sqlText } from '../text.js';
import { PLAIN_NAME } from './spark.js';

const NO_TYPE = 'external tables have no such type; --compat spark writes it as text.';
const IN_UTC = 'external tables have no timestamps with a zone: values are in UTC.';

/** Of external tables: https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_TABLE.html */
const TYPES: TypeRules = {
  boolean: 'BOOLEAN',
  int8: 'SMALLINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'INTEGER',
  uint16: 'INTEGER',
  uint32: 'BIGINT',
  uint64: [undefined, NO_TYPE],
  float: 'REAL',
  double: 'DOUBLE PRECISION',
  decimal: 'DECIMAL({p},{s})',
  string: 'VARCHAR(65535)',
  json: 'VARCHAR(65535)',
  bytes: 'VARBYTE(1000000)',
  date: 'DATE',
  time: [undefined, NO_TYPE],
  time_ns: [undefined, NO_TYPE],
  timestamp: 'TIMESTAMP',
  timestamp_ns: ['TIMESTAMP', 'it has microseconds.'],
  instant: ['TIMESTAMP', IN_UTC],
  instant_ns: ['TIMESTAMP', IN_UTC],
  uuid: [undefined, NO_TYPE],
};

/** Of one ALTER TABLE. */
const MOST_PARTITIONS = 100;

/** Of Redshift Spectrum. The schema has to be an external one. */
export const redshift: Dialect = {
  title: 'Redshift',
  types: TYPES,
  list: (element) => [`array<${element.toLowerCase()}>`, 'elements of lists are queried in FROM.'],
  foldsCase: true,
  names: { tables: { longest: 127, characters: PLAIN_NAME }, columns: { longest: 127 } },
  location: (place) => s3Url(place),
  reads: 'Amazon S3',
  write: (table) => {
    const { schema, columns, partitions, location } = table;
    const declared = (some: MappedTable['columns']) =>
      some.map(({ name, type }) => `${doubleQuoted(name)} ${type}`).join(',\n  ');
    const create = [
      `CREATE EXTERNAL TABLE ${qualified(table, doubleQuoted)} (\n  ${declared(columns)}\n)`,
      ...(partitions.length === 0 ? [] : [`PARTITIONED BY (\n  ${declared(partitions)}\n)`]),
      'STORED AS PARQUET',
      `LOCATION ${sqlText(`${location}/`)}`,
    ];
    return [
      commentLines(
        `${schema === '' ? 'The table needs a schema, which' : `The schema ${schema}`} has to be external: CREATE EXTERNAL SCHEMA … FROM DATA CATALOG …`,
      ),
      // External tables have no comments of their own.
      ...shownComments(table),
      `${create.join('\n')};`,
      ...addPartitions(table),
    ];
  },
};

function addPartitions(table: MappedTable): string[] {
  const { partitions, location } = table;
  const directories = new Map(table.directories.map((directory) => [directory.path, directory.values]));
  const added = Array.from(directories, ([path, values]) => {
    const levels = partitions.map(({ name, kind }, index) => {
      const value = values[index] ?? null;
      const isPlain = kind === 'int8' || kind === 'int16' || kind === 'int32' || kind === 'int64';
      const text =
        value === null ? sqlText('__HIVE_DEFAULT_PARTITION__') : isPlain ? String(BigInt(value)) : sqlText(value);
      return `${doubleQuoted(name)} = ${text}`;
    });
    return `PARTITION (${levels.join(', ')}) LOCATION ${sqlText(`${location}/${path}/`)}`;
  });
  const statements: string[] = [];
  for (let at = 0; at < added.length; at += MOST_PARTITIONS) {
    const some = added.slice(at, at + MOST_PARTITIONS).join('\n  ');
    statements.push(`ALTER TABLE ${qualified(table, doubleQuoted)} ADD IF NOT EXISTS\n  ${some};`);
  }
  return statements;
}
