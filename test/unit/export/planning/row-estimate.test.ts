import { expect, test } from 'vitest';
import { rowEstimate } from '../../../../src/export/planning/row-estimate.js';
import type { Dataset } from '../../../../src/model/dataset.js';
import { tablePlan } from '../../../harness/table-plans.js';

const estimateOf = (dataset: Partial<Dataset>, estimatedRows: number | undefined = 1000, better?: object) => {
  const plan = tablePlan('t');
  const table = { ...plan, dataset: { ...plan.dataset, ...dataset } as Dataset, estimatedRows, estimatedBytes: 80_000 };
  return rowEstimate(table, better as Parameters<typeof rowEstimate>[1]);
};

test('the estimate of a whole table is its own', () => {
  expect(estimateOf({})).toEqual({ estimatedRows: 1000, estimatedBytes: 80_000, isBeforeCondition: false });
});

test('without a better one, that of rows which meet a condition is known to be before it', () => {
  const predicates = ['id > 3'];
  expect(estimateOf({ predicates })).toMatchObject({ estimatedRows: 1000, isBeforeCondition: true });
  const better = { estimatedRows: 7, estimatedBytes: 560 };
  expect(estimateOf({ predicates }, 1000, better)).toEqual({ ...better, isBeforeCondition: false });
});

test('a sample has its share of the rows', () => {
  expect(estimateOf({ sample: { percent: 25 } })).toMatchObject({ estimatedRows: 250, estimatedBytes: 20_000 });
  expect(estimateOf({ sample: { rows: 10 } })).toMatchObject({ estimatedRows: 10, estimatedBytes: 800 });
  expect(estimateOf({ sample: { rows: 5000 } })).toMatchObject({ estimatedRows: 1000, estimatedBytes: 80_000 });
});
