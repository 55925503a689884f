import { keyOf, maxLength, schemaOf, standardColumn, SYSTEM_TYPES, systemType, text } from './catalog-terms.js';
import { duckType } from './t-sql.js';
import type { PartitionScheme, Quirks, TestTable } from './test-tables.js';
import { parseDeclaredType } from './types/wire-type.js';

/** The catalog of a test's database: the views of `sys` and INFORMATION_SCHEMA, with the columns that Microsoft documents. */

const CLR = 240;

/** `sys.objects.type` */
const OBJECT_TYPES = { table: 'U', view: 'V', synonym: 'SN', 'external table': 'ET' } as const;

/** Statements that make the catalog in DuckDB. */
export function catalogStatements(tables: readonly TestTable[], quirks: Quirks): string[] {
  const ids = new Map<string, number>();
  const userTypes = new Map<string, number>();
  const schemas = [...new Set(tables.map(schemaOf))];
  const sysName = (name: string) => text(quirks.lowerCaseSys ? name.toLowerCase() : name);
  const insert = (into: string, rows: readonly (readonly (string | number)[])[]) =>
    rows.length === 0 ? [] : [`INSERT INTO ${into} VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`];
  tables.forEach((table, i) => ids.set(keyOf(table), 1000 + i));
  for (const { columns } of tables) {
    for (const { userType, isAssembly, type } of columns) {
      const name = userType ?? (isAssembly ? type : undefined);
      if (name !== undefined && !userTypes.has(name)) userTypes.set(name, 300 + userTypes.size);
    }
  }
  const types = [
    ...SYSTEM_TYPES.map(([id, name]) => [id, id, text(name), 4, 0, 0]),
    ...tables
      .flatMap(({ columns }) => columns)
      .filter(({ userType, isAssembly }) => userType !== undefined || isAssembly)
      .map((column) => [
        userTypes.get(column.userType ?? column.type)!,
        column.isAssembly ? CLR : systemType(column),
        text(column.userType ?? column.type),
        1,
        column.userType === undefined ? 0 : 1,
        column.isAssembly ? 1 : 0,
      ]),
  ];
  const columns = tables.flatMap((table) =>
    table.columns.map((column, i) => {
      const declared = parseDeclaredType(column.type);
      const isDecimal = ['decimal', 'numeric'].includes(declared.name);
      const userType = userTypes.get(column.userType ?? (column.isAssembly ? column.type : ''));
      return [
        ids.get(keyOf(table))!,
        i + 1,
        sysName(column.name),
        column.isAssembly ? CLR : systemType(column),
        userType ?? systemType(column),
        maxLength(column),
        isDecimal ? (declared.arguments[0] ?? 18) : 0,
        isDecimal ? (declared.arguments[1] ?? 0) : Math.min(declared.arguments[0] ?? 7, 7),
        column.nullable === false ? 0 : 1,
        column.isColumnSet ? 1 : 0,
        column.isHidden ? 1 : 0,
        column.isPeriod ? 1 : 0,
        column.isEncrypted ? 1 : 'NULL',
        column.isMasked ? 1 : 0,
      ];
    }),
  );
  const schemes = tables.flatMap((table, i) =>
    table.partitionedBy ? [{ table, ...table.partitionedBy, id: 600 + i }] : [],
  );
  const spaceOf = (table: TestTable) => schemes.find((scheme) => scheme.table === table)?.id ?? 1;
  const mainIndexOf = ({ indexes: own = [] }: TestTable) => (own.some(({ isClustered }) => isClustered) ? 1 : 0);
  const indexes = tables.flatMap((table) =>
    (table.indexes ?? []).map((index, i) => ({ table, index, id: index.isClustered ? 1 : i + 2 })),
  );
  const real = tables.filter(({ kind }) => kind !== 'view');
  const statistics = real.flatMap((table) => {
    const { partitionedBy, rows = [], statistics: known = { rows: rows.length, pages: 1 } } = table;
    const { partitions = (partitionedBy?.boundaries.length ?? 0) + 1 } = table;
    return Array.from({ length: partitions }, (_, i) => [
      ids.get(keyOf(table))!,
      mainIndexOf(table),
      5000 + ids.get(keyOf(table))! * 10 + i,
      known.rows / partitions,
      known.pages / partitions,
      i + 1,
    ]);
  });
  return [
    'CREATE SCHEMA sys; CREATE SCHEMA standard',
    'CREATE TABLE sys.schemas (schema_id INTEGER, name VARCHAR)',
    ...insert(
      'sys.schemas',
      [...schemas, 'sys'].map((name, i) => [i + 1, sysName(name)]),
    ),
    'CREATE TABLE sys.objects (object_id INTEGER, schema_id INTEGER, name VARCHAR, type VARCHAR, is_ms_shipped INTEGER)',
    ...insert(
      'sys.objects',
      tables.map((table) => [
        ids.get(keyOf(table))!,
        schemas.indexOf(schemaOf(table)) + 1,
        sysName(table.name),
        `'${OBJECT_TYPES[table.kind ?? 'table']}'`,
        table.origin === 'system' ? 1 : 0,
      ]),
    ),
    'CREATE TABLE sys.synonyms (object_id INTEGER, base_object_name VARCHAR)',
    ...insert(
      'sys.synonyms',
      tables
        .filter(({ kind }) => kind === 'synonym')
        .map((table) => [ids.get(keyOf(table))!, `'[other].[dbo].[${table.name}]'`]),
    ),
    'CREATE TABLE sys.extended_properties (class INTEGER, major_id INTEGER, minor_id INTEGER, name VARCHAR, value VARCHAR)',
    ...insert(
      'sys.extended_properties',
      tables
        .filter(({ origin }) => origin === 'tool')
        .map((table) => [1, ids.get(keyOf(table))!, 0, "'microsoft_database_tools_support'", 'NULL']),
    ),
    ...insert(
      'sys.extended_properties',
      tables.flatMap((table) =>
        [table.comment, ...table.columns.map(({ comment }) => comment)].flatMap((comment, i) =>
          comment === undefined ? [] : [[1, ids.get(keyOf(table))!, i, "'MS_Description'", text(comment)]],
        ),
      ),
    ),
    'CREATE TABLE sys.default_constraints (parent_object_id INTEGER, parent_column_id INTEGER, definition VARCHAR)',
    ...insert(
      'sys.default_constraints',
      tables.flatMap((table) =>
        table.columns.flatMap((column, i) =>
          column.default === undefined ? [] : [[ids.get(keyOf(table))!, i + 1, text(column.default)]],
        ),
      ),
    ),
    ...foreignKeyStatements(tables, (table) => ids.get(keyOf(table)) ?? 0, insert),
    'CREATE TABLE sys.types (user_type_id INTEGER, system_type_id INTEGER, name VARCHAR, schema_id INTEGER, is_user_defined INTEGER, is_assembly_type INTEGER)',
    ...insert('sys.types', types),
    `CREATE TABLE sys.columns (object_id INTEGER, column_id INTEGER, name VARCHAR, system_type_id INTEGER, user_type_id INTEGER,
       max_length INTEGER, precision INTEGER, scale INTEGER, is_nullable INTEGER, column_set INTEGER, hidden INTEGER, period INTEGER, encryption_type INTEGER, is_masked INTEGER)`,
    ...insert('sys.columns', columns),
    `CREATE TABLE sys.indexes (object_id INTEGER, index_id INTEGER, type INTEGER, is_unique INTEGER, is_disabled INTEGER,
       is_hypothetical INTEGER, has_filter INTEGER, data_space_id INTEGER, name VARCHAR, is_primary_key INTEGER)`,
    ...insert(
      'sys.indexes',
      real
        .filter((table) => mainIndexOf(table) === 0)
        .map((table) => [ids.get(keyOf(table))!, 0, 0, 0, 0, 0, 0, spaceOf(table), 'NULL', 0]),
    ),
    ...insert(
      'sys.indexes',
      indexes.map(({ table, index, id }) => [
        ids.get(keyOf(table))!,
        id,
        index.isClustered ? 1 : 2,
        index.isUnique ? 1 : 0,
        0,
        0,
        index.filtered ? 1 : 0,
        index.isClustered ? spaceOf(table) : 1,
        text(index.name ?? `index${id}`),
        index.isPrimary ? 1 : 0,
      ]),
    ),
    'CREATE TABLE sys.index_columns (object_id INTEGER, index_id INTEGER, key_ordinal INTEGER, column_id INTEGER, partition_ordinal INTEGER)',
    ...insert(
      'sys.index_columns',
      schemes.map(({ table, column }) => [
        ids.get(keyOf(table))!,
        mainIndexOf(table),
        0,
        table.columns.findIndex(({ name }) => name === column) + 1,
        1,
      ]),
    ),
    ...insert(
      'sys.index_columns',
      indexes.flatMap(({ table, index, id }) =>
        index.keys.map((key, i) => [
          ids.get(keyOf(table))!,
          id,
          i + 1,
          table.columns.findIndex(({ name }) => name === key) + 1,
          0,
        ]),
      ),
    ),
    `CREATE TABLE sys.dm_db_partition_stats (object_id INTEGER, index_id INTEGER, partition_id BIGINT, row_count BIGINT,
       in_row_data_page_count BIGINT, lob_used_page_count BIGINT, row_overflow_used_page_count BIGINT)`,
    ...insert(
      'sys.dm_db_partition_stats',
      statistics.map(([object, index, partition, rows, pages]) => [object!, index!, partition!, rows!, pages!, 0, 0]),
    ),
    'CREATE TABLE sys.partitions (object_id INTEGER, index_id INTEGER, partition_id BIGINT, rows BIGINT, partition_number INTEGER)',
    ...insert(
      'sys.partitions',
      statistics.map(([object, index, partition, rows, , number]) => [object!, index!, partition!, rows!, number!]),
    ),
    'CREATE TABLE sys.partition_schemes (data_space_id INTEGER, function_id INTEGER)',
    ...insert(
      'sys.partition_schemes',
      schemes.map(({ id }) => [id, id]),
    ),
    'CREATE TABLE sys.partition_functions (function_id INTEGER, name VARCHAR, boundary_value_on_right INTEGER)',
    ...insert(
      'sys.partition_functions',
      schemes.map((scheme) => [scheme.id, text(scheme.function), scheme.isOnRight ? 1 : 0]),
    ),
    'CREATE TABLE sys.partition_range_values (function_id INTEGER, boundary_id INTEGER, value VARCHAR)',
    ...insert(
      'sys.partition_range_values',
      schemes.flatMap(({ id, boundaries }) => boundaries.map((value, i) => [id, i + 1, text(String(value))])),
    ),
    'CREATE SCHEMA "$PARTITION"',
    ...schemes.map((scheme) => partitionFunction(scheme)),
    'CREATE TABLE sys.allocation_units (container_id BIGINT, used_pages BIGINT)',
    ...insert(
      'sys.allocation_units',
      statistics.map(([, , partition, , pages]) => [partition!, pages!]),
    ),
    'CREATE TABLE sys.databases (database_id INTEGER, snapshot_isolation_state INTEGER, is_read_committed_snapshot_on INTEGER)',
    ...insert('sys.databases', [[5, quirks.snapshotState ?? 0, quirks.readCommittedSnapshot ? 1 : 0]]),
    'CREATE TABLE sys.dm_exec_sessions (is_user_process INTEGER)',
    ...insert('sys.dm_exec_sessions', [[1], [1], [0]]),
    'CREATE TABLE standard."TABLES" (TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, TABLE_TYPE VARCHAR)',
    ...insert(
      'standard."TABLES"',
      tables.map((table) => [
        text(schemaOf(table)),
        text(table.name),
        table.kind === 'view' ? "'VIEW'" : "'BASE TABLE'",
      ]),
    ),
    `CREATE TABLE standard."COLUMNS" (TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR, ORDINAL_POSITION INTEGER,
       DATA_TYPE VARCHAR, CHARACTER_OCTET_LENGTH INTEGER, NUMERIC_PRECISION INTEGER, NUMERIC_SCALE INTEGER,
       DATETIME_PRECISION INTEGER, IS_NULLABLE VARCHAR)`,
    ...insert(
      'standard."COLUMNS"',
      tables.flatMap((table) => table.columns.map((column, i) => standardColumn(table, column, i + 1))),
    ),
    'CREATE TABLE standard."TABLE_CONSTRAINTS" (CONSTRAINT_SCHEMA VARCHAR, CONSTRAINT_NAME VARCHAR, TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, CONSTRAINT_TYPE VARCHAR)',
    'CREATE TABLE standard."KEY_COLUMN_USAGE" (CONSTRAINT_SCHEMA VARCHAR, CONSTRAINT_NAME VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR)',
    ...indexes
      .filter(({ index }) => index.isUnique)
      .flatMap(({ table, index, id }) => [
        `INSERT INTO standard."TABLE_CONSTRAINTS" VALUES (${text(schemaOf(table))}, 'c${id}', ${text(schemaOf(table))}, ${text(table.name)}, 'PRIMARY KEY')`,
        ...index.keys.map(
          (key) =>
            `INSERT INTO standard."KEY_COLUMN_USAGE" VALUES (${text(schemaOf(table))}, 'c${id}', ${text(table.name)}, ${text(key)})`,
        ),
      ]),
    `CREATE MACRO TYPE_NAME(id) AS (SELECT own.name FROM sys.types AS own WHERE own.user_type_id = id LIMIT 1)`,
    `CREATE MACRO SCHEMA_NAME(id) AS (SELECT own.name FROM sys.schemas AS own WHERE own.schema_id = id LIMIT 1)`,
    `CREATE MACRO COLUMNPROPERTY(object, col, property) AS (
       SELECT CASE property WHEN 'IsColumnSet' THEN own.column_set WHEN 'IsHidden' THEN own.hidden WHEN 'GeneratedAlwaysType' THEN own.period END
       FROM sys.columns AS own WHERE own.object_id = object AND own.name = col)`,
    `CREATE MACRO SERVERPROPERTY(property) AS CASE property
       WHEN 'ProductVersion' THEN ${text(quirks.version ?? '16.0.4105.2')} WHEN 'EngineEdition' THEN '${quirks.edition ?? 3}' END`,
    textInStyle(quirks),
    'CREATE MACRO hashbytes(algorithm, bytes) AS unhex(sha256(bytes))',
    'CREATE MACRO isjson(x) AS CASE WHEN json_valid(x) THEN 1 ELSE 0 END',
    `CREATE MACRO DB_NAME() AS 'shop'`,
    `CREATE MACRO DB_ID() AS 5`,
    `CREATE MACRO SYSUTCDATETIME() AS TIMESTAMP '2025-01-31 12:34:56.123456'`,
    `CREATE MACRO SYSDATETIME() AS TIMESTAMP '2025-01-31 13:34:56.123456'`,
    `CREATE MACRO MIN_ACTIVE_ROWVERSION() AS '${rowversion(quirks.minActiveRowversion ?? 1)}'::BLOB`,
    `CREATE MACRO DATABASEPROPERTYEX(name, property) AS '${quirks.isReadOnly ? 'READ_ONLY' : 'READ_WRITE'}'`,
    `CREATE MACRO HAS_PERMS_BY_NAME(name, class, permission) AS 0`,
  ];
}

type Insert = (into: string, rows: readonly (readonly (string | number)[])[]) => string[];

/** `sys.foreign_keys` and its columns. */
function foreignKeyStatements(
  tables: readonly TestTable[],
  idOf: (table: TestTable) => number,
  insert: Insert,
): string[] {
  const numberOf = (table: TestTable, column = '') => table.columns.findIndex(({ name }) => name === column) + 1;
  const keys = tables
    .flatMap((table) => (table.foreignKeys ?? []).map((key) => ({ table, key })))
    .map(({ table, key }, i) => {
      const other = tables.find((one) => one.name === key.references && schemaOf(one) === schemaOf(table));
      if (other === undefined) throw new Error(`no table ${key.references}`);
      return { table, key, other, id: 9000 + i };
    });
  return [
    'CREATE TABLE sys.foreign_keys (object_id INTEGER, name VARCHAR, parent_object_id INTEGER, referenced_object_id INTEGER, is_disabled INTEGER, is_not_trusted INTEGER)',
    ...insert(
      'sys.foreign_keys',
      keys.map(({ table, key, other, id }) => [
        id,
        text(key.name),
        idOf(table),
        idOf(other),
        0,
        key.isTrusted === false ? 1 : 0,
      ]),
    ),
    'CREATE TABLE sys.foreign_key_columns (constraint_object_id INTEGER, constraint_column_id INTEGER, parent_object_id INTEGER, parent_column_id INTEGER, referenced_object_id INTEGER, referenced_column_id INTEGER)',
    ...insert(
      'sys.foreign_key_columns',
      keys.flatMap(({ table, key, other, id }) =>
        key.columns.map((column, i) => [
          id,
          i + 1,
          idOf(table),
          numberOf(table, column),
          idOf(other),
          numberOf(other, key.referenced[i]),
        ]),
      ),
    ),
  ];
}

/** `$PARTITION.name(value)`: the number of the value's partition. NULL is in the first. */
function partitionFunction({
  table,
  function: name,
  column,
  boundaries,
  isOnRight,
}: PartitionScheme & { readonly table: TestTable }): string {
  const type = duckType(table.columns.find((one) => one.name === column)?.type ?? '');
  const passed = boundaries.map(
    (value) => `CASE WHEN x ${isOnRight ? '>=' : '>'} CAST(${text(String(value))} AS ${type}) THEN 1 ELSE 0 END`,
  );
  return `CREATE MACRO "$PARTITION"."${name.replaceAll('"', '""')}"(x) AS ${[1, ...passed].join(' + ')}`;
}

/** The first of the server's versions with collations in UTF-8. */
const SQL_SERVER_2019 = 15;

/** Whether the server has no collations in UTF-8. */
export function lacksUtf8({ version = '16.0' }: Quirks): boolean {
  return Number(version.split('.')[0]) < SQL_SERVER_2019;
}

/** The first of the server's versions whose style 3 gives every digit of a float. */
const SQL_SERVER_2016 = 13;

/**
 * CONVERT to text, by the styles of "CAST and CONVERT (Transact-SQL)": money has two digits behind the point unless the
 * style is 2, floats six in all unless it is 1, 2 or 3, and bytes are taken for characters unless it is 1. A style that
 * is not known counts as 0.
 */
function textInStyle({ noStyles = false, version = '16.0' }: Quirks): string {
  const known = (...styles: readonly number[]) => (noStyles ? 'false' : `style IN (${styles.join(', ')})`);
  const every = Number(version.split('.')[0]) >= SQL_SERVER_2016 ? known(3) : 'false';
  const float = 'TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)';
  return `CREATE MACRO text_in_style(x, style) AS CASE
    WHEN typeof(x) IN ('DECIMAL(21,4)', 'DECIMAL(10,4)') AND NOT ${known(2)} THEN CAST(TRY_CAST(CAST(x AS VARCHAR) AS DECIMAL(21,2)) AS VARCHAR)
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CASE WHEN ${every} THEN printf('%.16e', ${float}) WHEN ${known(2)} THEN printf('%.15e', ${float}) ELSE printf('%.6g', ${float}) END
    WHEN typeof(x) = 'BLOB' AND style = 2 THEN hex(TRY_CAST(CAST(x AS VARCHAR) AS BLOB))
    WHEN typeof(x) = 'BLOB' AND ${known(1)} THEN '0x' || hex(TRY_CAST(CAST(x AS VARCHAR) AS BLOB))
    ELSE CAST(x AS VARCHAR) END`;
}

/** Its eight bytes, as DuckDB writes them. */
function rowversion(version: number): string {
  return version.toString(16).padStart(16, '0').replace(/../g, '\\x$&');
}
