import { type Dataset, datasetId } from '../../../model/dataset.js';
import { fromClause } from '../../row-set.js';
import type { CountOptions } from '../../source.js';
import { connectMssql, type ConnectOptions, type MssqlSettings } from '../connection/connection.js';
import { mssqlError } from '../errors.js';
import { isIsolationRefused, isolationOf } from '../connection/isolation.js';
import { mssqlRows } from '../partitioning/dialect.js';

export interface CountedTable extends CountOptions {
  readonly dataset: Dataset;
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
    throw mssqlError(thrown, { entry: settings.entryId, table: datasetId(counted.dataset) });
  }
}

async function countIn(
  isolation: ConnectOptions['isolation'],
  settings: MssqlSettings,
  { dataset, signal }: CountedTable,
): Promise<number | undefined> {
  const client = await connectMssql(settings, { isolation, signal });
  // The server would continue the query.
  const stop = () => void client.cancelAndClose();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const rows = mssqlRows(dataset);
    const [row] = await client.query(`${rows.prefix}SELECT CONVERT(float, COUNT_BIG(*)) ${fromClause(rows)}`);
    return typeof row?.[0] === 'number' ? row[0] : undefined;
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}
