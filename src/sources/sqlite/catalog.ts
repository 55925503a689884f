import { wholeTable } from '../../model/dataset.js';
import { fromClause } from '../row-set.js';
import type { SourceTable } from '../source.js';
import type { SqliteConnection } from './connection.js';
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
  return rows.map(([name, type, withoutRowid]) => {
    const id = { schema: SCHEMA, name: String(name) };
    const rowid = type === 'table' && withoutRowid === 0 ? rowidName(connection, id.name) : undefined;
    return {
      dataset: wholeTable(id),
      id,
      kind: type === 'view' ? ('view' as const) : ('table' as const),
      estimatedRows: rowid === undefined ? undefined : estimate(connection, quoteTable(id), rowid),
      estimatedBytes: undefined,
      ...(type === 'view' && { optIns: ['views' as const] }),
      ...(type === 'virtual' && { optIns: ['extension_tables' as const] }),
      rowid,
    };
  });
}

/** A column may shadow each of the aliases. */
function rowidName(connection: SqliteConnection, table: string): string | undefined {
  const columns = connection.query(`SELECT lower(name) FROM pragma_table_xinfo(${quoteText(table)})`).flat();
  return ['rowid', '_rowid_', 'oid'].find((name) => !columns.includes(name));
}

/** Rowids are mostly consecutive; a table that has lost many rows is smaller than estimated. */
function estimate(connection: SqliteConnection, table: string, rowid: string): number | undefined {
  try {
    // Each query is a single descent into the tree; combined in one SELECT they would scan all of it.
    const [row] = connection.query(
      `SELECT CAST((SELECT max(${rowid}) FROM ${table}) AS REAL), CAST((SELECT min(${rowid}) FROM ${table}) AS REAL)`,
    );
    const [greatest, least] = row ?? [];
    return typeof greatest === 'number' && typeof least === 'number' ? greatest - least + 1 : 0;
  } catch {
    // A damaged table fails on its own when it is read.
    return undefined;
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

/** Columns in the order of `SELECT *`, including generated ones. */
export function listColumns(
  connection: SqliteConnection,
  { id, rowid }: Pick<CatalogTable, 'id' | 'rowid'>,
): CatalogColumn[] {
  const rows = connection.query(
    `SELECT name, type, "notnull", pk, hidden, dflt_value IS NOT NULL FROM pragma_table_xinfo(${quoteText(id.name)})
     WHERE hidden <> 1 ORDER BY cid`,
  );
  const keys = rows.filter(([, , , pk]) => pk !== 0).length;
  return rows.map(([name, type, notNull, pk, hidden, hasDefault]) => {
    const declared = String(type ?? '').replace(/ GENERATED ALWAYS$/i, '');
    // Exactly "INTEGER PRIMARY KEY"; with DESC it is no alias, which only shows in the separate index.
    const isAlias = rowid !== undefined && pk === 1 && keys === 1 && declared.toUpperCase() === 'INTEGER';
    return {
      name: String(name),
      declared,
      notNull: notNull === 1,
      isVirtual: hidden === 2,
      isRowid: isAlias && !hasKeyIndex(connection, id.name),
      hasDefault: hasDefault === 1,
    };
  });
}

function hasKeyIndex(connection: SqliteConnection, table: string): boolean {
  return connection.query(`SELECT 1 FROM pragma_index_list(${quoteText(table)}) WHERE origin = 'pk'`).length > 0;
}

/** Root page of the table's tree. */
export function rootPage(connection: SqliteConnection, table: string): number | undefined {
  const [row] = connection.query(
    `SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ${quoteText(table)}`,
  );
  return typeof row?.[0] === 'number' ? row[0] : undefined;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
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
