import type { Dataset } from '../../model/dataset.js';
import type { ReadColumn } from '../source.js';
import { type RowLimit, type RowSet, type RowSetDialect, rowSetOf, type Selection, selectRows } from '../row-set.js';
import { ordered, type SliceOrder } from '../slice-order.js';
import { quoteName, quoteTable } from './identifiers.js';
import type { TableId } from '../../model/table.js';

const NAMES: RowSetDialect = { quoteName, quoteTable };

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
  return ordered(rowSetOf(dataset, NAMES, { member, modifier: only ? 'ONLY' : undefined }), order);
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
