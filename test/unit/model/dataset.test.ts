import { expect, it } from 'vitest';

import { type Dataset, datasetId, hasAllRows, isSameDataset, wholeTable } from '../../../src/model/dataset.js';
import { tableKey, tableName } from '../../../src/model/table.js';
import { datasetDirectory } from '../../../src/storage/path.js';

const orders = wholeTable({ schema: 'sales', name: 'orders' });
const daily: Dataset = { kind: 'query', id: { schema: '', name: 'daily/sums' }, sql: 'SELECT 1' };

it('a table is known by its own name, and a query by the one that it was given', () => {
  expect([orders, daily].map((one) => tableName(datasetId(one)))).toEqual(['sales.orders', 'daily/sums']);
});

it('a query is never taken for a table that is called the same', () => {
  const table = wholeTable({ schema: 'public', name: 'daily/sums' });
  expect(tableKey(datasetId(daily))).not.toBe(tableKey(datasetId(table)));
});

it('the files of a query lie in a directory of its own, beside those of schemas', () => {
  expect(datasetDirectory('lake', datasetId(orders))).toBe('lake/sales/orders');
  expect(datasetDirectory('lake', datasetId(daily))).toBe('lake/daily%2Fsums');
});

it('datasets are the same only with the same columns and rows', () => {
  expect(isSameDataset(orders, wholeTable({ schema: 'sales', name: 'orders' }))).toBe(true);
  expect(isSameDataset(orders, { ...orders, columns: ['id'] })).toBe(false);
  expect(isSameDataset(orders, { ...orders, predicates: ['id > 3'] })).toBe(false);
  expect(isSameDataset(daily, { ...daily, sql: 'SELECT 2' })).toBe(false);
});

it.each<Dataset>([daily, { ...orders, predicates: ['id > 3'] }, { ...orders, sample: { rows: 3 } }])(
  'some rows are never taken for all of a table: %j',
  (dataset) => {
    expect([hasAllRows(dataset), hasAllRows(orders)]).toEqual([false, true]);
  },
);
