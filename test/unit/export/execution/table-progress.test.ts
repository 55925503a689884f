import { expect, it } from 'vitest';
import { TableProgress } from '../../../../src/export/execution/table-progress.js';
import type { SliceOutcome } from '../../../../src/export/model/slice-outcome.js';
import type { StagedPart } from '../../../../src/storage/storage.js';
import { tablePlan } from '../../../harness/table-plans.js';

const part: StagedPart = { storageId: 's', key: 'k', bytes: 1, sha256: '' } as unknown as StagedPart;
const outcome: SliceOutcome = { rows: 3, bytes: 9, unrepresentable: {}, files: [{ part, rows: 3, rowGroups: [] }] };

function readTable(): TableProgress {
  const table = new TableProgress(tablePlan('a', { slices: 2, degree: 2 }));
  for (let slice = table.takeSlice(); slice !== undefined; slice = table.takeSlice()) {
    table.stagedPart(slice, part);
    table.readToEnd();
    table.confirmed(slice, outcome);
  }
  return table;
}

it('keeps nothing of the slices of a table that has ended, which stays complete and is not read again', () => {
  const table = readTable();
  expect(table).toMatchObject({ isComplete: true, hasFiles: true, sums: { rows: 6 } });
  table.end();
  expect(table).toMatchObject({ isComplete: true, hasWaiting: false, isIdle: true, staged: [], outcomes: [] });
});

it('goes on with the slices that an earlier attempt has staged', () => {
  const table = new TableProgress(tablePlan('a', { slices: 2, degree: 2 }), {
    outcomes: new Map([[1, outcome]]),
    published: new Set(),
  });
  expect(table).toMatchObject({ isComplete: false, isFromOnePlan: false, staged: [part], sums: { rows: 3 } });
  expect(table.takeSlice()?.index).toBe(0);
  expect(table.takeSlice()).toBeUndefined();
});
