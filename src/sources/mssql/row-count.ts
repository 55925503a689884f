import type { TableId } from '../../model/table.js';
import type { CountOptions } from '../source.js';
import { connectMssql, type ConnectOptions, type MssqlSettings } from './connection.js';
import { mssqlError } from './errors.js';
import { quoteTable } from './identifiers.js';
import { isIsolationRefused, isolationOf } from './isolation.js';

export interface CountedTable extends CountOptions {
  readonly table: TableId;
}

/**
 * Counts a table's rows on a separate connection. Undefined if the server's answer is not a number.
 * @throws LakeportError if they cannot be counted, or on abort
 */
export async function countRows(settings: MssqlSettings, counted: CountedTable): Promise<number | undefined> {
  const isolation = isolationOf(counted.snapshot);
  try {
    return await countIn(isolation, settings, counted).catch((thrown: unknown) => {
      if (!isIsolationRefused(thrown, isolation) || counted.signal.aborted) throw thrown;
      return countIn('read committed', settings, counted);
    });
  } catch (thrown) {
    throw mssqlError(thrown, { entry: settings.entryId, table: counted.table });
  }
}

async function countIn(
  isolation: ConnectOptions['isolation'],
  settings: MssqlSettings,
  { table, signal }: CountedTable,
): Promise<number | undefined> {
  const client = await connectMssql(settings, { isolation, signal });
  // The server would continue the query.
  const stop = () => void client.cancelAndClose();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [row] = await client.query(`SELECT CONVERT(float, COUNT_BIG(*)) FROM ${quoteTable(table)}`);
    return typeof row?.[0] === 'number' ? row[0] : undefined;
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}
