import { openSource } from '../../src/engines.js';
import type { ReadRequest } from '../../src/sources/source.js';
import { databaseEntry } from '../database-entry.js';
import { SCHEMA, TABLE } from './table.js';

/** What a single reader of the whole table is asked for, as the planner makes it. */
export async function lineitemRequest(url: string): Promise<ReadRequest> {
  const source = await openSource(databaseEntry(url));
  try {
    const tables = (await source.listTables()).filter(({ id }) => id.schema === SCHEMA && id.name === TABLE);
    const [table] = tables;
    const [described] = await source.describe(tables, {
      unboundedNumeric: { as: 'text' },
      onUnrepresentable: 'error',
    });
    if (table === undefined || described === undefined || !('columns' in described)) {
      throw new Error('The table of the benchmark does not exist');
    }
    const { columns } = described;
    const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: Infinity });
    if (slice === undefined) throw new Error('The table of the benchmark has no slice');
    return { dataset: table.dataset, columns, slice, onUnrepresentable: 'error' };
  } finally {
    await source.close();
  }
}
