import type { Cursor } from '../../../model/cursor.js';
import { noCursorColumn } from '../../increment-errors.js';
import { textLiteral } from '../../../text/sql-quotes.js';
import { type CatalogColumn, type CatalogTable, listColumns } from '../catalog.js';
import type { SqliteConnection } from '../connection.js';
import { quoteName } from '../identifiers.js';
import { checkRows, listQueryColumns } from '../requested-rows.js';
import { type CursorValues, INTEGERS } from './cursor-values.js';

/** The column that a table is synced by. */
export interface CursorColumn {
  /** In SQL. */
  readonly sql: string;
  readonly mayBeNull: boolean;
  /** Whether it is the number of the row. */
  readonly rowid: 'none' | 'key' | 'hidden';
  /** Collations of the indexes that begin with it and have all rows; undefined if that is not known. */
  readonly indexes: readonly string[] | undefined;
}

/**
 * Also checks the query and the conditions of the dataset, since names in quotes that no column has are text to SQLite.
 * @throws LakeportError if there is no such column
 */
export function cursorColumn(
  connection: SqliteConnection,
  table: CatalogTable,
  { column = '' }: Pick<Cursor, 'column'>,
): CursorColumn {
  const { dataset, kind } = table;
  const columns = dataset.kind === 'query' ? listQueryColumns(connection, dataset) : listColumns(connection, table);
  checkRows(connection, dataset, kind);
  const found = columnNamed(columns, column);
  const isOrdinary = kind === 'table' && table.optIns?.includes('extension_tables') !== true;
  if (found !== undefined) {
    const { name, notNull, isRowid } = found;
    return {
      sql: quoteName(name),
      mayBeNull: !isRowid && !(notNull && isOrdinary),
      rowid: isRowid ? 'key' : 'none',
      indexes: isRowid ? [BINARY] : isOrdinary ? indexesOf(connection, table, name) : undefined,
    };
  }
  if (!isOrdinary || table.rowid === undefined || !isRowidName(column)) throw noCursorColumn(table.id, column);
  const isKey = columns.some(({ isRowid }) => isRowid);
  return { sql: table.rowid, mayBeNull: false, rowid: isKey ? 'key' : 'hidden', indexes: [BINARY] };
}

/** The collation in which text is compared by its bytes. */
const BINARY = 'BINARY';

/** Whether an index with one of these collations finds values: integers are the same in all of them. */
export function isAnsweredBy(indexes: readonly string[], values: CursorValues | undefined): boolean {
  return values === undefined || values === INTEGERS ? indexes.length > 0 : indexes.includes(BINARY);
}

/** As SQLite compares names, unless one is written just so. */
function columnNamed(columns: readonly CatalogColumn[], name: string): CatalogColumn | undefined {
  const folded = asciiLower(name);
  return columns.find((column) => column.name === name) ?? columns.find((column) => asciiLower(column.name) === folded);
}

function isRowidName(name: string): boolean {
  return ['rowid', '_rowid_', 'oid'].includes(asciiLower(name));
}

/** Indexes of expressions have no name there, and partial ones lack rows. */
function indexesOf(connection: SqliteConnection, { id }: CatalogTable, column: string): readonly string[] {
  const rows = connection.query(
    `SELECT x.coll FROM pragma_index_list(${textLiteral(id.name)}) AS i JOIN pragma_index_xinfo(i.name) AS x
     WHERE i.partial = 0 AND x.seqno = 0 AND x.name = ${textLiteral(column)}`,
  );
  return rows.map(([collation]) => String(collation).toUpperCase());
}

function asciiLower(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
