import { textLiteral } from '../../text/sql-quotes.js';
import { wholeTable } from '../../model/dataset.js';
import type { TableId } from '../../model/table.js';
import { fromClause } from '../row-set.js';
import type { SourceTable } from '../source.js';
import type { SqliteConnection, SqliteValue } from './connection.js';
import { quoteName, quoteTable, SCHEMA } from './identifiers.js';
import { sqliteRows } from './rows.js';

export interface CatalogTable extends SourceTable {
  /** Alias of the rowid that no column shadows; undefined for tables without a rowid. */
  readonly rowid: string | undefined;
}

/** Tables and views of the file, by name, without SQLite's own tables and the shadow tables of virtual tables. */
export function listTables(connection: SqliteConnection): CatalogTable[] {
  const rows = connection.query(
    `SELECT name, type, wr FROM pragma_table_list
     WHERE schema = '${SCHEMA}' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
     ORDER BY name`,
  );
  const known = listKnownColumns(connection);
  const tables = rows.map(([name, type, withoutRowid]) => {
    const id = { schema: SCHEMA, name: String(name) };
    const columns = type === 'table' && withoutRowid === 0 ? (known.get(id.name) ?? readColumns(connection, id)) : [];
    return { id, type, rowid: columns.length === 0 ? undefined : rowidName(columns) };
  });
  const estimates = estimateRows(connection, tables);
  return tables.map(({ id, type, rowid }) => {
    return {
      dataset: wholeTable(id),
      id,
      kind: type === 'view' ? ('view' as const) : ('table' as const),
      estimatedRows: estimates.get(id.name),
      estimatedBytes: undefined,
      ...(type === 'view' && { optIns: ['views' as const] }),
      ...(type === 'virtual' && { optIns: ['extension_tables' as const] }),
      rowid,
    };
  });
}

/** A column may shadow each of the aliases. */
function rowidName(columns: readonly ListedColumn[]): string | undefined {
  const names = new Set(columns.map(([name]) => lowerCase(String(name))));
  return ['rowid', '_rowid_', 'oid'].find((name) => !names.has(name));
}

/** As SQLite compares names: only letters of ASCII have a case. */
function lowerCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

interface RowidTable {
  readonly id: TableId;
  readonly rowid: string | undefined;
}

/** Tables in one query. SQLite allows 500 terms. */
const ESTIMATED_AT_ONCE = 200;

/**
 * By name, of tables with a rowid. Rowids are mostly consecutive; a table that has lost many rows is smaller than
 * estimated.
 */
function estimateRows(connection: SqliteConnection, tables: readonly RowidTable[]): ReadonlyMap<string, number> {
  const estimates = new Map<string, number>();
  const known = tables.filter(({ rowid }) => rowid !== undefined);
  const add = (some: readonly RowidTable[]) => {
    // Each query is a single descent into the tree; combined in one SELECT they would scan all of it.
    const terms = some.map(({ id, rowid = '' }) => {
      const from = `FROM ${quoteTable(id)}`;
      return `SELECT CAST((SELECT max(${rowid}) ${from}) AS REAL), CAST((SELECT min(${rowid}) ${from}) AS REAL)`;
    });
    for (const [index, [greatest, least]] of connection.query(terms.join(' UNION ALL ')).entries()) {
      const rows = typeof greatest === 'number' && typeof least === 'number' ? greatest - least + 1 : 0;
      estimates.set(some[index]?.id.name ?? '', rows);
    }
  };
  for (let start = 0; start < known.length; start += ESTIMATED_AT_ONCE) {
    const some = known.slice(start, start + ESTIMATED_AT_ONCE);
    if (succeeds(() => add(some))) continue;
    // A damaged table fails on its own when it is read.
    for (const one of some) succeeds(() => add([one]));
  }
  return estimates;
}

function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

export interface CatalogColumn {
  readonly name: string;
  readonly declared: string;
  readonly notNull: boolean;
  /** Computed on reading, not stored in the file. */
  readonly isVirtual: boolean;
  /** Alias of the rowid, so records store no value for it. */
  readonly isRowid: boolean;
  readonly hasDefault: boolean;
}

/** What `columnFacts` selects. */
type ListedColumn = readonly SqliteValue[];

/**
 * Name, type, whether it is NOT NULL, place in the key, whether it is hidden, whether it has a default, and of the first
 * column of a key, whether that has an index of its own.
 */
function columnFacts(table: string): string {
  return `x.name, x.type, x."notnull", x.pk, x.hidden, x.dflt_value IS NOT NULL,
    CASE WHEN x.pk = 1 THEN EXISTS (SELECT 1 FROM pragma_index_list(${table}) WHERE origin = 'pk') END`;
}

/** Columns of all tables by the tables' names, from one query. The columns of a view or a virtual table may be an error. */
export function listKnownColumns(connection: SqliteConnection): ReadonlyMap<string, readonly ListedColumn[]> {
  const rows = connection.query(
    `SELECT l.name, ${columnFacts('l.name')} FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name) AS x
     WHERE l.schema = '${SCHEMA}' AND l.type = 'table' ORDER BY l.name, x.cid`,
  );
  const columns = new Map<string, ListedColumn[]>();
  for (const [table, ...column] of rows) {
    const known = columns.get(String(table));
    if (known === undefined) columns.set(String(table), [column]);
    else known.push(column);
  }
  return columns;
}

function readColumns(connection: SqliteConnection, { name }: TableId): readonly ListedColumn[] {
  const table = textLiteral(name);
  return connection.query(`SELECT ${columnFacts(table)} FROM pragma_table_xinfo(${table}) AS x ORDER BY x.cid`);
}

/**
 * Columns in the order of `SELECT *`, including generated ones.
 * @param known what `listKnownColumns` has found
 */
export function listColumns(
  connection: SqliteConnection,
  { id, rowid }: Pick<CatalogTable, 'id' | 'rowid'>,
  known?: ReadonlyMap<string, readonly ListedColumn[]>,
): CatalogColumn[] {
  const rows = (known?.get(id.name) ?? readColumns(connection, id)).filter(([, , , , hidden]) => hidden !== 1);
  const keys = rows.filter(([, , , pk]) => pk !== 0).length;
  return rows.map(([name, type, notNull, pk, hidden, hasDefault, hasKeyIndex]) => {
    const declared = String(type ?? '').replace(/ GENERATED ALWAYS$/i, '');
    // Exactly "INTEGER PRIMARY KEY"; with DESC it is no alias, which only shows in the separate index.
    const isAlias = rowid !== undefined && pk === 1 && keys === 1 && declared.toUpperCase() === 'INTEGER';
    return {
      name: String(name),
      declared,
      notNull: notNull === 1,
      isVirtual: hidden === 2,
      isRowid: isAlias && hasKeyIndex === 0,
      hasDefault: hasDefault === 1,
    };
  });
}

interface RootPages {
  readonly version: SqliteValue | undefined;
  readonly byTable: ReadonlyMap<SqliteValue, SqliteValue>;
}

const rootPages = new WeakMap<SqliteConnection, RootPages>();

/** Root page of the table's tree. SQLite has no index of tables, so that all are read at once. */
export function rootPage(connection: SqliteConnection, table: string): number | undefined {
  const [[version] = []] = connection.query('PRAGMA schema_version');
  const before = rootPages.get(connection);
  const known = before !== undefined && before.version === version ? before : readRootPages(connection, version);
  const page = known.byTable.get(table);
  return typeof page === 'number' ? page : undefined;
}

function readRootPages(connection: SqliteConnection, version: SqliteValue | undefined): RootPages {
  const rows = connection.query(`SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'`);
  const read = { version, byTable: new Map(rows.map(([name = null, page = null]) => [name, page] as const)) };
  rootPages.set(connection, read);
  return read;
}

/** Storage classes of the columns' values, in a sample of rows from the table's start. */
export function sampleClasses(
  connection: SqliteConnection,
  table: CatalogTable,
  names: readonly string[],
  rows: number,
): readonly (readonly [integer: boolean, real: boolean, text: boolean, blob: boolean])[] {
  if (names.length === 0) return [];
  const columns = names.map((name, i) => `${quoteName(name)} AS c${i}`);
  const of = (i: number) =>
    ['integer', 'real', 'text', 'blob'].map((kind) => `max(typeof(c${i}) = '${kind}')`).join(', ');
  const [row] = connection.query(
    `SELECT ${names.map((_, i) => of(i)).join(', ')}
     FROM (SELECT ${columns.join(', ')} ${fromClause(sqliteRows(table.dataset))} LIMIT ${rows})`,
  );
  return names.map((_, i) => {
    const [integer, real, text, blob] = [0, 1, 2, 3].map((k) => row?.[i * 4 + k] === 1);
    return [integer === true, real === true, text === true, blob === true] as const;
  });
}
