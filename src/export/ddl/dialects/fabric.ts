import { shownComments } from '../comments.js';
import type { Dialect, MappedColumn, TypeRules } from '../dialect.js';
import { httpsUrl } from '../places.js';
import { inBrackets } from '../../../text/sql-quotes.js';
import { commentLines, qualified, sqlText } from '../text.js';

const IN_UTC = 'Fabric has no times with a zone: values are in UTC.';

/** https://learn.microsoft.com/en-us/sql/t-sql/functions/openrowset-bulk-transact-sql?view=fabric */
const TYPES: TypeRules = {
  boolean: 'bit',
  int8: 'smallint',
  int16: 'smallint',
  int32: 'int',
  int64: 'bigint',
  uint8: 'smallint',
  uint16: 'int',
  uint32: 'bigint',
  uint64: 'decimal(20,0)',
  float: 'real',
  double: 'float',
  decimal: 'decimal({p},{s})',
  string: 'varchar(max)',
  json: 'varchar(max)',
  bytes: 'varbinary(max)',
  date: 'date',
  time: 'time(6)',
  time_ns: ['time(6)', 'Fabric has microseconds.'],
  timestamp: 'datetime2(6)',
  timestamp_ns: ['datetime2(6)', 'Fabric has microseconds.'],
  instant: ['datetime2(6)', IN_UTC],
  instant_ns: ['datetime2(6)', IN_UTC],
  uuid: 'uniqueidentifier',
};

/** Views over files, in T-SQL of a warehouse or of a lakehouse's endpoint. */
export const fabric: Dialect = {
  title: 'Fabric',
  types: TYPES,
  list: () => ['varchar(max)', 'Fabric shows a list as JSON.'],
  foldsCase: true,
  names: { tables: { longest: 128 }, columns: { longest: 128 } },
  location: (place) => (place.kind === 'azure' ? httpsUrl(place) : undefined),
  reads: 'Azure and OneLake (others through a shortcut)',
  write: (table) => {
    const { schema, columns, partitions, location } = table;
    const levels = partitions.map(({ name }) => `${encodeURIComponent(name)}=*/`).join('');
    const url = `${location}/${levels}*.parquet`;
    const selected = [...columns.map(({ name }) => `files.${inBrackets(name)}`), ...partitions.map(levelOf)];
    const declared = columns.map(({ name, type }) => `${inBrackets(name)} ${type}`);
    return [
      ...(schema === '' ? [] : [commentLines(`The schema has to be there: CREATE SCHEMA ${inBrackets(schema)};`)]),
      // Views have no comments of their own.
      ...shownComments(table),
      `CREATE OR ALTER VIEW ${qualified(table, inBrackets)} AS
SELECT ${selected.join(',\n       ')}
FROM OPENROWSET(BULK ${sqlText(url)}, FORMAT = 'PARQUET')
WITH (
  ${declared.join(',\n  ')}
) AS files;`,
    ];
  },
};

/** What a wildcard of the path stands for, counted from 1. */
function levelOf({ name, type }: MappedColumn, index: number): string {
  const text = `files.filepath(${index + 1})`;
  return `CAST(NULLIF(${text}, '__HIVE_DEFAULT_PARTITION__') AS ${type}) AS ${inBrackets(name)}`;
}
