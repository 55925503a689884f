import { expect, test } from 'vitest';
import { readerNotes } from '../../../../src/export/planning/reader-notes.js';
import type { TablePlan } from '../../../../src/export/model/plan.js';
import type { TableOverride } from '../../../../src/sources/source.js';
import { tablePlan } from '../../../harness/table-plans.js';

interface Case extends Partial<TablePlan> {
  readonly perTable?: number;
  readonly isAsked?: boolean;
  readonly override?: TableOverride;
}

const LARGE = { estimatedRows: 5_000_000, estimatedBytes: 1 << 30 };

function notesOf({ perTable = 4, isAsked = false, override, ...table }: Case) {
  return readerNotes(
    { ...tablePlan('t'), ...table },
    { budget: { perTable, isAsked, total: perTable }, override, largeTableThreshold: 1_000_000 },
  );
}

test('a view that is read by one reader says so in one line, with the flag that gives it more', () => {
  expect(notesOf({ kind: 'view' })).toEqual([
    {
      code: 'ONE_READER',
      text: "read by one reader, because the rows of a view have no place; --table-config 'public.t:Ntile:KEY' or RangeId with a key gives it more",
    },
  ]);
});

test.each<Case>([
  { kind: 'view' },
  { kind: 'query', ...LARGE },
  { kind: 'foreign table', estimatedRows: undefined },
  { kind: 'view', override: { degree: 3 } },
  // A table whose pages cannot be read by themselves, as on PostgreSQL before 14.
  LARGE,
  { ...LARGE, estimatedBytes: 1 << 20, isAsked: true },
])('what one reader reads, and several could, is told: %j', (table) => {
  expect(notesOf(table)).toMatchObject([{ code: 'ONE_READER' }]);
});

test.each<Case>([
  {},
  { kind: 'view', perTable: 1 },
  { kind: 'view', estimatedRows: 10 },
  { kind: 'view', override: { method: 'None' } },
  { kind: 'view', override: { method: 'Ntile', key: 'id' } },
  { kind: 'view', override: { degree: 1 } },
  { ...LARGE, estimatedBytes: 1 << 20 },
  { ...LARGE, estimatedRows: 999_999 },
  { ...LARGE, slices: tablePlan('t', { slices: 4 }).slices },
  { kind: 'view', dataset: { ...tablePlan('t').dataset, sample: { rows: 5 } } },
])('what needs no more readers is not: %j', (table) => {
  expect(notesOf(table)).toEqual([]);
});
