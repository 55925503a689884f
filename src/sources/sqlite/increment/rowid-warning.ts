import { textLiteral } from '../../../text/sql-quotes.js';
import type { SqliteConnection } from '../connection.js';
import type { CursorRows } from './cursor-rows.js';

/**
 * Numbers of rows grow only as long as the greatest is not deleted, unless their key is AUTOINCREMENT
 * (https://sqlite.org/autoinc.html), and stay only if a column has them (https://sqlite.org/lang_vacuum.html).
 * @param greatest the greatest value now
 * @returns what users should know, as a sentence without its full stop
 */
export function rowidWarning(
  { connection, table, column, request }: CursorRows,
  greatest: string | undefined,
): string | undefined {
  const { rowid } = column;
  if (rowid === 'none') return undefined;
  if (rowid === 'hidden') {
    return 'VACUUM may number its rows anew, and syncs would then miss some: only an INTEGER PRIMARY KEY keeps the numbers';
  }
  const { after } = request;
  const isDeleted = after !== undefined && (greatest === undefined || BigInt(greatest) < BigInt(after));
  // Once is enough, as long as nothing points to it.
  if ((after !== undefined && !isDeleted) || isAutoincrement(connection, table.id.name)) return undefined;
  return isDeleted
    ? `its greatest number is ${greatest ?? 'gone'}, and was ${after}: SQLite gives numbers of deleted rows to new ones, which will not be seen`
    : 'if its last row is deleted, SQLite gives the number to the next one, which would not be seen: AUTOINCREMENT in the declaration of the key prevents that';
}

/** SQLite keeps the last number of such a table, once it has had a row. */
function isAutoincrement(connection: SqliteConnection, table: string): boolean {
  const [known] = connection.query(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlite_sequence'`);
  if (known === undefined) return false;
  return connection.query(`SELECT 1 FROM sqlite_sequence WHERE name = ${textLiteral(table)}`).length > 0;
}
