import type { Dataset } from '../../../model/dataset.js';
import type { ReadColumn } from '../../source.js';
import { type RowLimit, type RowSet, type RowSetDialect, rowSetOf, type Selection, selectRows } from '../../row-set.js';
import { ordered, type SliceOrder } from '../../slice-order.js';
import { quoteName, quoteTable } from '../identifiers.js';
import type { TableId } from '../../../model/table.js';

/** How this server's SQL names what rows come from. */
export const POSTGRES_ROWS: RowSetDialect = {
  quoteName,
  quoteTable,
  // The same rows for each query, as long as the table stays as it is.
  sample: (percent) => ({ clause: `TABLESAMPLE pg_catalog.system (${percent}) REPEATABLE (1)` }),
};

const LIMIT: RowLimit = (rows) => ({ before: '', after: ` LIMIT ${rows}` });

/**
 * The rows of a dataset.
 * @param options.only without the rows of the table's children; of `member` instead of the table
 */
export function postgresRows(
  dataset: Dataset,
  {
    only = false,
    member,
    order,
  }: { readonly only?: boolean; readonly member?: TableId | undefined; readonly order?: SliceOrder | undefined } = {},
): RowSet {
  return ordered(rowSetOf(dataset, POSTGRES_ROWS, { member, modifier: only ? 'ONLY' : undefined }), order);
}

/** The complete SELECT that reads the columns of some of the rows. */
export function selectColumns(
  rows: RowSet,
  columns: readonly ReadColumn[],
  selection: Omit<Selection, 'list'> = {},
): string {
  return selectRows(rows, { ...selection, list: selectList(columns) }, LIMIT);
}

function selectList(columns: readonly ReadColumn[]): string {
  return columns.map(({ expression }) => expression).join(', ');
}
